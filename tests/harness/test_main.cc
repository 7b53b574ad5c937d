// The main of every test that needs a database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "platform/mysql/connection.h"
#include "tests/harness/database.h"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  // A write to a link that a test has cut is an error to return, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  const quartermaster::mysql::DatabaseThread thread;
  const int result = RUN_ALL_TESTS();
  quartermaster::testing::DropSharedDatabases();
  return result;
}
