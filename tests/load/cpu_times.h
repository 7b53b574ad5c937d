#pragma once

#include <map>
#include <string>

namespace quartermaster::load {

// Returns the CPU seconds that this process and all that it started have used so far, by the name
// of their program, as the kernel has it. A process that has ended counts no more.
std::map<std::string, double> ReadCpuSeconds();

}  // namespace quartermaster::load
