# The functions every CMakeLists.txt here is written with, and the flags they share.

set(QM_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")

option(QM_FUZZ "Build the fuzzers; the compiler must be clang" OFF)

find_program(QM_CCACHE ccache)
if(QM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${QM_CCACHE})
endif()
find_program(QM_MOLD mold)

# Flags of every target, generated code included.
add_library(qm_build INTERFACE)
target_compile_features(qm_build INTERFACE cxx_std_20)
target_compile_options(qm_build INTERFACE -g1 -fstack-protector-strong -fcf-protection -UNDEBUG)
target_link_options(qm_build INTERFACE -Wl,-z,relro -Wl,-z,now)
if(QM_MOLD)
  target_link_options(qm_build INTERFACE -fuse-ld=mold)
endif()
if(QM_SANITIZE)
  target_compile_options(qm_build INTERFACE -fsanitize=${QM_SANITIZE} -fno-omit-frame-pointer -O1
                                            -fno-sanitize-recover=all)
  target_link_options(qm_build INTERFACE -fsanitize=${QM_SANITIZE})
  if(QM_SANITIZE STREQUAL "thread")
    # Boost.Asio's fences, which the sanitizer does not model; none of our own code has one.
    target_compile_options(qm_build INTERFACE -Wno-tsan)
    set_property(TARGET protobuf::libprotobuf APPEND PROPERTY INTERFACE_COMPILE_OPTIONS
                 "SHELL:-include ${PROJECT_SOURCE_DIR}/cmake/protobuf_map_layout.h")
  endif()
  if(QM_FUZZ)
    target_compile_options(qm_build INTERFACE -fsanitize=fuzzer-no-link)
  endif()
else()
  target_compile_options(qm_build INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

# Flags of the code we write; generated code is spared.
add_library(qm_options INTERFACE)
target_link_libraries(qm_options INTERFACE qm_build)
target_include_directories(qm_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(
  qm_options INTERFACE -Wall -Wextra -Werror -Wnon-virtual-dtor -Woverloaded-virtual -Wshadow
                       -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # What the annotations of platform/base/mutex.h promise; gcc does not know them.
  target_compile_options(qm_options INTERFACE -Wthread-safety)
endif()

# qm_library(<name> SOURCES … DEPENDS …)
#
# Makes the static library qm_<name>, known as qm::<name>. DEPENDS is the library's place in the
# architecture: what is not listed cannot be included.
function(qm_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(qm_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(qm_${name} PUBLIC ${ARG_DEPENDS} PRIVATE qm_options)
  add_library(qm::${name} ALIAS qm_${name})
endfunction()

# qm_program(<name> SOURCES … DEPENDS …)
function(qm_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} qm_options)
endfunction()

# Makes qm_tests_<label> build the test, so that one kind of test can be built without the others.
function(qm_add_to_label test label)
  if(NOT TARGET qm_tests_${label})
    add_custom_target(qm_tests_${label})
  endif()
  add_dependencies(qm_tests_${label} ${test})
endfunction()

# qm_unit_test(<name> SOURCES … DEPENDS …)
#
# A test that needs nothing but memory. Its cases are discovered one by one, label `unit`.
function(qm_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  qm_program(${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  qm_add_to_label(${name} unit)
  include(GoogleTest)
  gtest_discover_tests(${name} PROPERTIES LABELS unit TIMEOUT 60 DISCOVERY_TIMEOUT 60)
endfunction()

# qm_db_test(<name> LABEL <label> SOURCES … DEPENDS … [TIMEOUT <seconds>])
#
# A test binary that needs the private MariaDB of the `mariadb` fixture; one CTest entry, so that
# the database is set up once per binary. Links tests/harness, whose main() opens the database.
function(qm_db_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  qm_program(${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS} qm::test_harness GTest::gmock)
  qm_add_to_label(${name} ${ARG_LABEL})
  add_dependencies(qm_tests_${ARG_LABEL} mariadb_fixture)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(
    ${name} PROPERTIES LABELS ${ARG_LABEL} FIXTURES_REQUIRED mariadb TIMEOUT ${ARG_TIMEOUT}
                       ENVIRONMENT "QM_TEST_BUILD_DIR=${PROJECT_BINARY_DIR}")
endfunction()

# qm_thread_test(<name> [DATABASE])
#
# Marks a test, made before, as one of what several threads share: the pool, the executor, caches,
# the log's queue. Under ThreadSanitizer it is run whole, as one CTest entry with the label `threads`.
function(qm_thread_test name)
  cmake_parse_arguments(ARG "DATABASE" "" "" ${ARGN})
  qm_add_to_label(${name} threads)
  if(NOT QM_SANITIZE STREQUAL "thread")
    return()
  endif()
  add_test(NAME ${name}.threads COMMAND ${name})
  set_tests_properties(${name}.threads PROPERTIES LABELS threads TIMEOUT 600)
  if(ARG_DATABASE)
    add_dependencies(qm_tests_threads mariadb_fixture)
    set_tests_properties(
      ${name}.threads PROPERTIES FIXTURES_REQUIRED mariadb
                                 ENVIRONMENT "QM_TEST_BUILD_DIR=${PROJECT_BINARY_DIR}")
  endif()
endfunction()

# qm_fuzz_test(<name> [DATABASE] SOURCES … DEPENDS …)
#
# A fuzzer, label `fuzz`. One CTest entry runs it for QM_FUZZ_SECONDS of the
# environment, a minute by itself, from the inputs in corpus/<name>.
function(qm_fuzz_test name)
  cmake_parse_arguments(ARG "DATABASE" "" "SOURCES;DEPENDS" ${ARGN})
  qm_program(${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  qm_add_to_label(${name} fuzz)
  add_test(NAME ${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/run_fuzzer.sh $<TARGET_FILE:${name}>
                                ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600)
  if(ARG_DATABASE)
    add_dependencies(qm_tests_fuzz mariadb_fixture)
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED mariadb
                                            ENVIRONMENT "QM_TEST_BUILD_DIR=${PROJECT_BINARY_DIR}")
  endif()
endfunction()

# qm_migrations(<name> <folder>)
#
# Embeds the `NNNN_what_it_does.sql` files of the folder in the library qm::<name>. Its header
# `<name>.h` declares a function named for it: `inventory_migrations` gives
# `const std::vector<mysql::Migration>& InventoryMigrations();` in namespace quartermaster.
function(qm_migrations name folder)
  cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${name})
  add_custom_command(
    OUTPUT ${generated}/${name}.cc ${generated}/${name}.h
    COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D FOLDER=${folder} -D OUTPUT=${generated} -P
            ${PROJECT_SOURCE_DIR}/cmake/embed_migrations.cmake
    DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed_migrations.cmake
    VERBATIM)
  qm_library(${name} SOURCES ${generated}/${name}.cc ${generated}/${name}.h DEPENDS qm::mysql)
  target_include_directories(qm_${name} PUBLIC ${generated})
endfunction()
