# Everything the build takes from the system, found once. Nothing is downloaded while building.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
# Debian's protobuf ships no CMake config: module mode, and before gRPC, which asks for it.
find_package(Protobuf 3.21 REQUIRED)
find_package(gRPC 1.51 CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(GTest CONFIG REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(CLI11 2.1 CONFIG REQUIRED)
find_package(nlohmann_json 3.11 CONFIG REQUIRED)

# Connector/C++ has neither a CMake config nor a pkg-config file.
find_path(MYSQLCPPCONN_INCLUDE_DIR mysql_driver.h REQUIRED)
find_library(MYSQLCPPCONN_LIBRARY mysqlcppconn REQUIRED)
add_library(MySQL::ConnectorCpp UNKNOWN IMPORTED)
set_target_properties(
  MySQL::ConnectorCpp
  PROPERTIES IMPORTED_LOCATION ${MYSQLCPPCONN_LIBRARY}
             INTERFACE_INCLUDE_DIRECTORIES ${MYSQLCPPCONN_INCLUDE_DIR})

# nghttp2 has no CMake config either.
find_path(NGHTTP2_INCLUDE_DIR nghttp2/nghttp2.h REQUIRED)
find_library(NGHTTP2_LIBRARY nghttp2 REQUIRED)
add_library(nghttp2::nghttp2 UNKNOWN IMPORTED)
set_target_properties(
  nghttp2::nghttp2 PROPERTIES IMPORTED_LOCATION ${NGHTTP2_LIBRARY}
                              INTERFACE_INCLUDE_DIRECTORIES ${NGHTTP2_INCLUDE_DIR})

# The google.api option protos come from a Java package, google.rpc from a Go one: the only two
# places Debian 12 ships the .proto files. `ErrorInfo` is missing from the Java package's copy.
find_file(QM_GOOGLE_COMMON_PROTOS_JAR proto-google-common-protos.jar PATHS /usr/share/java REQUIRED)
find_path(QM_GOOGLE_RPC_PROTOS google/rpc/error_details.proto
          PATHS /usr/share/gocode/src/github.com/gogo/googleapis REQUIRED)
find_path(QM_GRPC_PROTOS grpc/health/v1/health.proto PATHS /usr/share/grpc-proto REQUIRED)
