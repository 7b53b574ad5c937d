#include "platform/auth/authenticator.h"

namespace quartermaster::auth {

Authenticator::~Authenticator() = default;

}  // namespace quartermaster::auth
