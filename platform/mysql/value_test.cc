#include "platform/mysql/value.h"

#include <gtest/gtest.h>

#include "platform/mysql/durability.h"
#include "platform/mysql/options.h"

namespace quartermaster::mysql {
namespace {

TEST(DateTimeTest, KeepsMicrosecondsBothWays) {
  const absl::Time time = absl::FromUnixMicros(1795248000000001);

  EXPECT_EQ(*FormatDateTime(time), "2026-11-21 08:00:00.000001");
  EXPECT_EQ(*ParseDateTime("2026-11-21 08:00:00.000001"), time);
  EXPECT_EQ(*ParseDateTime("2026-11-21 08:00:00"), absl::FromUnixSeconds(1795248000));
}

TEST(DateTimeTest, CutsWhatAColumnCannotKeep) {
  EXPECT_EQ(*FormatDateTime(absl::FromUnixNanos(1999)), "1970-01-01 00:00:00.000001");
}

TEST(DateTimeTest, RefusesYearsThatAColumnCannotKeep) {
  EXPECT_FALSE(FormatDateTime(absl::InfiniteFuture()).ok());
  EXPECT_FALSE(FormatDateTime(absl::FromCivil(absl::CivilSecond(999), absl::UTCTimeZone())).ok());
}

TEST(DateTimeTest, ReadsFractionsOfAnyPrecision) {
  EXPECT_EQ(*ParseDateTime("2026-11-21 08:00:00.5"), absl::FromUnixMillis(1795248000500));
  EXPECT_EQ(*ParseDateTime("2026-11-21 08:00:00.000100"), absl::FromUnixMicros(1795248000000100));
}

TEST(DateTimeTest, RefusesWhatIsNoTime) {
  for (const char* text :
       {"0000-00-00 00:00:00", "yesterday", "", "2026-11-21", "2026-11-21T08:00:00",
        "2026-13-21 08:00:00", "2026-02-29 08:00:00", "2026-11-21 24:00:00", "2026-11-21 08:60:00",
        "2026-11-21 08:00:60", "2026-11-21 08:00:00.", "2026-11-21 08:00:00.1234567",
        "2026-11-21 08:00:00x", "2026-11-21 08:00:00.12x", "-026-11-21 08:00:00"}) {
    EXPECT_FALSE(ParseDateTime(text).ok()) << text;
  }
}

// Against the library's own, over a thousand years and at the edges of months.
TEST(DateTimeTest, WritesAsTheTimeLibraryDoes) {
  const absl::Time first = absl::FromCivil(absl::CivilSecond(1000), absl::UTCTimeZone());
  const absl::Duration step = absl::Hours(77'777) + absl::Microseconds(987'654'321);
  const absl::Time end = absl::FromCivil(absl::CivilSecond(10'000), absl::UTCTimeZone());
  for (absl::Time time = first; time < end; time += step) {
    const std::string text = *FormatDateTime(time);
    ASSERT_EQ(text, absl::FormatTime("%E4Y-%m-%d %H:%M:%E6S", time, absl::UTCTimeZone()));
    ASSERT_EQ(*ParseDateTime(text), time);
  }
}

std::map<std::string, std::string> DurableServer() {
  return {{"innodb_flush_log_at_trx_commit", "1"},
          {"sync_binlog", "1"},
          {"log_bin", "ON"},
          {"binlog_format", "ROW"},
          {"sql_log_bin", "ON"},
          {"read_only", "OFF"},
          {"sql_mode", "STRICT_TRANS_TABLES,NO_ZERO_DATE"}};
}

TEST(CheckDurabilityTest, AcceptsWhatThePromiseRestsOn) {
  EXPECT_TRUE(CheckDurability(DurableServer()).ok()) << CheckDurability(DurableServer()).ToString();
}

TEST(CheckDurabilityTest, NamesEachVariableThatIsNotAsItMustBe) {
  const std::pair<std::string, std::string> wrong[] = {{"innodb_flush_log_at_trx_commit", "2"},
                                                       {"sync_binlog", "0"},
                                                       {"log_bin", "OFF"},
                                                       {"binlog_format", "MIXED"},
                                                       {"sql_log_bin", "OFF"},
                                                       {"read_only", "ON"},
                                                       {"sql_mode", "NO_ZERO_DATE"}};
  for (const auto& [name, value] : wrong) {
    std::map<std::string, std::string> variables = DurableServer();
    variables[name] = value;

    const DurabilityReport report = CheckDurability(variables);

    ASSERT_EQ(report.shortcomings.size(), 1u) << name;
    EXPECT_NE(report.ToString().find(name), std::string::npos) << report.ToString();
  }
  EXPECT_EQ(CheckDurability({}).shortcomings.size(), 7u);
}

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(PasswordTest, CannotBePrinted) {
  static_assert(Printable<std::string>);
  static_assert(!Printable<Password>);
  EXPECT_EQ(Password("geheim").Reveal(), "geheim");
}

ConnectionOptions OnSocket() {
  ConnectionOptions options;
  options.unix_socket = "/tmp/s.sock";
  options.user = "qm";
  return options;
}

TEST(CheckOptionsTest, AcceptsASocketALoopbackAndAVerifiedHost) {
  EXPECT_TRUE(CheckOptions(OnSocket()).ok());
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    ConnectionOptions loopback = OnSocket();
    loopback.unix_socket.clear();
    loopback.host = host;
    EXPECT_TRUE(CheckOptions(loopback).ok()) << host;
  }
  ConnectionOptions far = OnSocket();
  far.unix_socket.clear();
  far.host = "db.example.org";
  far.ssl_ca = "/etc/ca.pem";
  EXPECT_TRUE(CheckOptions(far).ok());
}

TEST(CheckOptionsTest, RefusesAHostInTheClear) {
  for (const char* host : {"db.example.org", "10.0.0.1", "127.evil.example", "fe80::1"}) {
    ConnectionOptions options = OnSocket();
    options.unix_socket.clear();
    options.host = host;

    EXPECT_TRUE(absl::IsInvalidArgument(CheckOptions(options))) << host;
  }
}

TEST(CheckOptionsTest, RefusesOptionsThatDoNotDoWhatTheySay) {
  for (const char* name : {"OPT_SSL_MODE", "OPT_RECONNECT", "sslEnforce", "sslVerfy", "postInit"}) {
    ConnectionOptions options = OnSocket();
    options.connector_options[name] = "1";

    EXPECT_TRUE(absl::IsInvalidArgument(CheckOptions(options))) << name;
  }
}

TEST(CheckOptionsTest, RefusesValuesThatCannotBeMeant) {
  ConnectionOptions options = OnSocket();
  options.connector_options["OPT_WRITE_TIMEOUT"] = "soon";
  EXPECT_FALSE(CheckOptions(options).ok());
  options.connector_options["OPT_WRITE_TIMEOUT"] = "5";
  EXPECT_TRUE(CheckOptions(options).ok());

  options = OnSocket();
  options.host = "127.0.0.1";
  EXPECT_FALSE(CheckOptions(options).ok());

  options = OnSocket();
  options.read_timeout = absl::ZeroDuration();
  EXPECT_FALSE(CheckOptions(options).ok());

  options = OnSocket();
  options.ssl_certificate = "/etc/client.pem";
  EXPECT_FALSE(CheckOptions(options).ok());
}

}  // namespace
}  // namespace quartermaster::mysql
