#pragma once

#include <string>

#include "platform/document/tasks.h"
#include "platform/mysql/value.h"

namespace quartermaster::document {

// Renders the condition by which rows of `document_tasks t` are open to the filter's caller, with
// its parameters.
mysql::Statement RenderTaskFilter(const TaskFilter& filter);

}  // namespace quartermaster::document
