#include "platform/config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace quartermaster::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Options {
  int port = 7000;
  uint8_t weight = 3;
  absl::Duration timeout = absl::Seconds(10);
  bool is_loud = false;
  std::string mode = "spread";
  std::string certificate_file = "";
  std::string password = "";
};

Settings Read(Options& options, Environment environment) {
  Settings settings("QM_DEPOT_", std::move(environment));
  settings.Int("QM_DEPOT_RPC_PORT", &options.port,
               {.min = 0, .max = 65535, .help = "Port to listen on."});
  settings.Int("QM_DEPOT_WEIGHT", &options.weight, {.unit = "parts", .help = "Weight."});
  settings.Duration("QM_DEPOT_RPC_TIMEOUT", &options.timeout,
                    {.max = absl::Minutes(1), .help = "Longest call."});
  settings.Bool("QM_DEPOT_LOUD", &options.is_loud, "Whether it is loud.");
  settings.String("QM_DEPOT_MODE", &options.mode,
                  {.choices = {"spread", "hot"}, .help = "How rows are chosen."});
  settings.Path("QM_DEPOT_CERTIFICATE_FILE", &options.certificate_file, {.help = "Certificate."});
  settings.Secret("QM_DEPOT_PASSWORD", &options.password, {.help = "Password | key."});
  return settings;
}

TEST(SettingsTest, KeepsDefaultsWhenNothingIsSet) {
  Options options;

  const Settings settings = Read(options, {{"PATH", "/bin"}, {"QM_DEPOT_MODE", ""}});

  EXPECT_EQ(settings.Check(), absl::OkStatus());
  EXPECT_EQ(options.port, 7000);
  EXPECT_EQ(options.timeout, absl::Seconds(10));
  EXPECT_EQ(options.mode, "spread");
}

TEST(SettingsTest, ReadsEveryKind) {
  Options options;

  const Settings settings = Read(options, {{"QM_DEPOT_RPC_PORT", "0"},
                                           {"QM_DEPOT_WEIGHT", "255"},
                                           {"QM_DEPOT_RPC_TIMEOUT", "1m"},
                                           {"QM_DEPOT_LOUD", "true"},
                                           {"QM_DEPOT_MODE", "hot"},
                                           {"QM_DEPOT_CERTIFICATE_FILE", "/etc/qm/tls.crt"},
                                           {"QM_DEPOT_PASSWORD", "s3cret"}});

  EXPECT_EQ(settings.Check(), absl::OkStatus());
  EXPECT_EQ(options.port, 0);
  EXPECT_EQ(options.weight, 255);
  EXPECT_EQ(options.timeout, absl::Minutes(1));
  EXPECT_TRUE(options.is_loud);
  EXPECT_EQ(options.mode, "hot");
  EXPECT_EQ(options.certificate_file, "/etc/qm/tls.crt");
  EXPECT_EQ(options.password, "s3cret");
}

TEST(SettingsTest, TellsVariableValueAndWhatWouldBeRight) {
  const struct {
    std::string name;
    std::string value;
    std::string what_would_be_right;
  } cases[] = {
      {"QM_DEPOT_RPC_PORT", "65536", "0 to 65535"},
      {"QM_DEPOT_RPC_PORT", "-1", "0 to 65535"},
      {"QM_DEPOT_RPC_PORT", "70x", "whole number"},
      {"QM_DEPOT_RPC_PORT", "99999999999999999999", "0 to 65535"},
      {"QM_DEPOT_WEIGHT", "256", "0 to 255 parts"},
      {"QM_DEPOT_RPC_TIMEOUT", "10", "250ms, 10s"},
      {"QM_DEPOT_RPC_TIMEOUT", "61s", "0 to 1m"},
      {"QM_DEPOT_RPC_TIMEOUT", "-1s", "0 to 1m"},
      {"QM_DEPOT_RPC_TIMEOUT", "inf", "0 to 1m"},
      {"QM_DEPOT_LOUD", "yes", "true nor false"},
      {"QM_DEPOT_MODE", "cold", "spread, hot"},
  };
  for (const auto& c : cases) {
    Options options;
    const absl::Status status = Read(options, {{c.name, c.value}}).Check();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.name << "=" << c.value;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(c.name), HasSubstr(c.value), HasSubstr(c.what_would_be_right)));
    EXPECT_EQ(options.port, 7000);
    EXPECT_EQ(options.mode, "spread");
  }
}

TEST(SettingsTest, TellsAllMistakesAtOnce) {
  Options options;

  const Settings settings =
      Read(options, {{"QM_DEPOT_RPC_PORT", "x"}, {"QM_DEPOT_LOUD", "perhaps"}});

  EXPECT_THAT(std::string(settings.Check().message()),
              AllOf(HasSubstr("QM_DEPOT_RPC_PORT"), HasSubstr("QM_DEPOT_LOUD")));
}

TEST(SettingsTest, SuggestsTheNameThatWasMeant) {
  Options options;

  const Settings settings = Read(options, {{"QM_DEPOT_RPC_PROT", "1"},
                                           {"QM_DEPOT_SOMETHING_ELSE_ALTOGETHER", "1"},
                                           {"QM_OTHER_RPC_PROT", "1"}});

  EXPECT_THAT(std::string(settings.Check().message()),
              AllOf(HasSubstr("QM_DEPOT_RPC_PROT"), HasSubstr("did you mean QM_DEPOT_RPC_PORT?"),
                    Not(HasSubstr("ALTOGETHER")), Not(HasSubstr("QM_OTHER"))));
  EXPECT_THAT(settings.UnknownVariables(),
              ElementsAre("QM_DEPOT_RPC_PROT", "QM_DEPOT_SOMETHING_ELSE_ALTOGETHER"));
}

TEST(SettingsTest, RequiredMeansSet) {
  std::string text;
  Settings settings("QM_DEPOT_", {});

  settings.String("QM_DEPOT_NAME", &text, {.is_required = true, .help = "Name."});

  EXPECT_THAT(std::string(settings.Check().message()),
              AllOf(HasSubstr("QM_DEPOT_NAME"), HasSubstr("not set")));
}

TEST(SettingsTest, ReadsASecretFromAFile) {
  const std::string path = ::testing::TempDir() + "/settings_test_secret";
  std::ofstream(path) << "from file\n";
  Options options;

  EXPECT_EQ(Read(options, {{"QM_DEPOT_PASSWORD_FILE", path}}).Check(), absl::OkStatus());
  EXPECT_EQ(options.password, "from file");

  const Settings both =
      Read(options, {{"QM_DEPOT_PASSWORD_FILE", path}, {"QM_DEPOT_PASSWORD", "direct"}});
  EXPECT_THAT(std::string(both.Check().message()), HasSubstr("set one of them"));
  const Settings missing = Read(options, {{"QM_DEPOT_PASSWORD_FILE", path + ".gone"}});
  EXPECT_THAT(std::string(missing.Check().message()), HasSubstr("cannot be read"));
}

TEST(SettingsTest, NeverShowsASecret) {
  Options options{.password = "built-in"};

  const Settings settings = Read(options, {{"QM_DEPOT_PASSWORD", "hunter2"}});

  EXPECT_THAT(settings.PrintSettings(),
              AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("built-in"))));
}

TEST(SettingsTest, PrintsATableOfDefaultsNotOfValues) {
  Options options;

  const std::string table = Read(options, {{"QM_DEPOT_RPC_PORT", "1"}}).PrintSettings();

  EXPECT_THAT(table,
              HasSubstr("| `QM_DEPOT_RPC_PORT` | `7000` | 0 to 65535 | Port to listen on. |\n"));
  EXPECT_THAT(table, HasSubstr("| `QM_DEPOT_RPC_TIMEOUT` | `10s` | 0 to 1m | Longest call. |\n"));
  EXPECT_THAT(table, HasSubstr("Password \\| key."));
}

}  // namespace
}  // namespace quartermaster::config
