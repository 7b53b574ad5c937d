#pragma once

#include <exception>
#include <optional>
#include <string>
#include <typeinfo>

namespace quartermaster::base {

// Runs `body`, and returns the type of what it threw; nothing if it threw nothing. For what runs on
// threads of our own, where an exception, which is a bug, would end the process. The type alone, so
// that it can be logged: a message may hold anything.
template <typename F>
std::optional<std::string> CatchAll(F&& body) {
  try {
    body();
    return std::nullopt;
  } catch (const std::exception& exception) {
    return typeid(exception).name();
  } catch (...) {
    return "unknown";
  }
}

}  // namespace quartermaster::base
