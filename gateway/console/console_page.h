#pragma once

#include "gateway/edge/http_message.h"

namespace quartermaster::gateway {

// Renders the console: one page, embedded at build, that needs nothing from elsewhere. Its security
// policy lets exactly its own script and style run, by their hashes.
HttpResponse RenderConsole();

}  // namespace quartermaster::gateway
