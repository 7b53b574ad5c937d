#include "platform/log/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/utf8.h"

namespace quartermaster::log {
namespace {

// A longer value says more about an attacker than about an error.
constexpr size_t kValueBytesMax = 4096;

// The one log of the process. Never destroyed: a thread may log while main() returns.
struct Log {
  std::string service;
  std::atomic<Level> level = Level::kInfo;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  // The last of `loggers`.
  std::atomic<spdlog::logger*> logger = nullptr;
  // Every logger there ever was, two or three: one that was replaced may be in use by a thread.
  std::vector<std::shared_ptr<spdlog::logger>> loggers;

  void Use(std::shared_ptr<spdlog::logger> next) {
    logger = next.get();
    loggers.push_back(std::move(next));
  }
};

std::shared_ptr<spdlog::logger> MakeLogger(std::shared_ptr<spdlog::sinks::sink> sink,
                                           std::shared_ptr<spdlog::details::thread_pool> pool) {
  std::shared_ptr<spdlog::logger> logger;
  if (pool != nullptr) {
    logger = std::make_shared<spdlog::async_logger>("", std::move(sink), std::move(pool),
                                                    spdlog::async_overflow_policy::overrun_oldest);
  } else {
    logger = std::make_shared<spdlog::logger>("", std::move(sink));
  }
  // The line is complete when it gets there; levels are ours.
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

Log& TheLog() {
  static Log& log = *[] {
    auto* made = new Log;
    made->Use(MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), nullptr));
    return made;
  }();
  return log;
}

// Appends `text` as a JSON string.
void AppendJsonString(absl::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : base::CleanUtf8(text, kValueBytesMax)) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xF]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string JsonString(absl::string_view text) {
  std::string json;
  AppendJsonString(text, json);
  return json;
}

std::string FormatLogTime(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

}  // namespace

Field::Field(absl::string_view key, absl::string_view value)
    : key_(key), json_(JsonString(value)) {}
Field::Field(absl::string_view key, bool value) : key_(key), json_(value ? "true" : "false") {}
Field::Field(absl::string_view key, Number number) : key_(key), json_(absl::StrCat(number.value)) {}
Field::Field(absl::string_view key, absl::Duration value)
    : key_(key), json_(JsonString(absl::FormatDuration(value))) {}
Field::Field(absl::string_view key, absl::Time value)
    : key_(key), json_(JsonString(FormatLogTime(value))) {}

absl::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "";
}

std::optional<Level> ParseLevel(absl::string_view name) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (LevelName(level) == name) return level;
  }
  return std::nullopt;
}

absl::Status Start(const Options& options) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (options.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    } catch (const spdlog::spdlog_ex& error) {
      return absl::FailedPreconditionError(
          absl::StrCat("the log file \"", options.file, "\" cannot be opened: ", error.what()));
    }
  }
  Log& log = TheLog();
  log.service = options.service;
  log.level = options.level;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  if (options.is_asynchronous) {
    pool = std::make_shared<spdlog::details::thread_pool>(options.queue_max, 1);
  }
  log.Use(MakeLogger(std::move(sink), pool));
  log.pool = std::move(pool);
  return absl::OkStatus();
}

void Stop() {
  Log& log = TheLog();
  log.Use(MakeLogger(std::make_shared<spdlog::sinks::stderr_sink_mt>(), nullptr));
  // Its destructor writes what is queued, then joins the thread.
  log.pool.reset();
}

int64_t LostLineCount() {
  const Log& log = TheLog();
  return log.pool == nullptr ? 0 : static_cast<int64_t>(log.pool->overrun_counter());
}

bool IsOn(Level level) { return level >= TheLog().level.load(std::memory_order_relaxed); }

std::string RenderLine(absl::Time time, Level level, absl::string_view service,
                       absl::string_view message, absl::Span<const Field> fields) {
  std::string line = absl::StrCat("{\"time\":\"", FormatLogTime(time), "\",\"level\":\"",
                                  LevelName(level), "\",\"service\":");
  AppendJsonString(service, line);
  line.append(",\"message\":");
  AppendJsonString(message, line);
  for (const Field& field : fields) {
    absl::StrAppend(&line, ",\"", field.key(), "\":", field.json());
  }
  line.push_back('}');
  return line;
}

void Write(Level level, absl::string_view message, absl::Span<const Field> fields) {
  if (!IsOn(level)) return;
  Log& log = TheLog();
  const std::string line = RenderLine(absl::Now(), level, log.service, message, fields);
  log.logger.load()->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace quartermaster::log
