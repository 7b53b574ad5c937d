// Included before everything else under ThreadSanitizer. Protobuf gives its maps another layout
// when it sees the sanitizer, and the system's library was built with the usual one.
#undef __SANITIZE_THREAD__
#include <google/protobuf/map_field.h>  // IWYU pragma: keep
#define __SANITIZE_THREAD__ 1
