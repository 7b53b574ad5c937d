"""Each rule finds the violation planted for it, and nothing in a tree that keeps the rule."""

import hashlib
import pathlib
import shutil
import stat
import tempfile
import unittest

import api_page
import decisions
import folders
import layers
import migrations
import promises
import protos
import settings
import sources
import words
from tree import Tree

GOOD_METHOD = """
service Ledger {
  // Posts. Fails with
  // - `FAILED_PRECONDITION`, reason `INSUFFICIENT_STOCK`, if there is too little.
  rpc Post(PostRequest) returns (Movement) {
    option (google.api.http) = { post: "/v1/movements:post" body: "*" };
    option (quartermaster.type.v1.permission) = "ledger.post";
    option (quartermaster.type.v1.call_class) = POSTING;
  }
}
"""


class RuleTest(unittest.TestCase):
    def assert_finds(self, rule, texts: dict[str, str], *messages: str):
        found = [str(finding) for finding in rule(Tree(texts))]
        self.assertEqual(len(messages), len(found), found)
        for message, finding in zip(messages, found):
            self.assertIn(message, finding)


class LayersTest(RuleTest):
    def test_each_forbidden_include_is_found(self):
        for path, included, message in (
            ("inventory-svc/domain/a.h", "<grpcpp/grpcpp.h>", "neither gRPC"),
            ("inventory-svc/domain/a.h", '"quartermaster/inventory/v1/units.pb.h"', "neither gRPC"),
            ("inventory-svc/domain/a.h", '"google/protobuf/message.h"', "neither gRPC"),
            ("inventory-svc/domain/a.cc", "<mysql_driver.h>", "only platform/mysql"),
            ("inventory-svc/domain/a.cc", '"inventory-svc/storage/b.h"', "not the other way"),
            ("inventory-svc/domain/a.cc", '"inventory-svc/api/b.h"', "not the other way"),
            ("inventory-svc/domain/a.cc", '"platform/mysql/pool.h"', "uses values only"),
            ("inventory-svc/storage/a.cc", "<cppconn/statement.h>", "only platform/mysql"),
            ("inventory-svc/storage/a.cc", '"inventory-svc/api/b.h"', "does not know api/"),
            ("inventory-svc/storage/a.cc", '"x/y.grpc.pb.h"', "neither gRPC"),
            ("inventory-svc/api/a.cc", '"inventory-svc/storage/b.h"', "through domain/"),
            ("inventory-svc/api/a.cc", '"platform/mysql/pool.h"', "through domain/"),
            ("gateway/edge/a.cc", '"inventory-svc/domain/b.h"', "no other program"),
            ("platform/rpc/a.cc", '"inventory-svc/domain/b.h"', "knows no program"),
            ("platform/rpc/a.cc", "<mysql/mysql.h>", "only platform/mysql"),
        ):
            with self.subTest(path=path, included=included):
                self.assert_finds(layers.check_includes, {path: f"#include {included}\n"}, message)

    def test_the_layers_as_designed_pass(self):
        texts = {
            "inventory-svc/main.cc": '#include "inventory-svc/api/s.h"\n#include "inventory-svc/storage/m.h"\n',
            "inventory-svc/api/s.cc": '#include "inventory-svc/domain/l.h"\n#include "q/v1/l.pb.h"\n',
            "inventory-svc/domain/l.h": '#include "platform/base/call.h"\n#include "absl/status/statusor.h"\n',
            "inventory-svc/storage/m.cc": '#include "inventory-svc/domain/s.h"\n#include "platform/mysql/pool.h"\n',
            "platform/mysql/pool.cc": "#include <cppconn/connection.h>\n",
        }
        self.assert_finds(layers.check_includes, texts)

    def test_calls_that_lie_and_clocks_are_found(self):
        text = "connection->commit();\nlink.rollback();\nconst auto now = absl::Now();\n// absl::Now() in words\n"
        self.assert_finds(
            layers.check_calls, {"inventory-svc/domain/a.cc": text}, "dead connection", "dead connection", "told the time"
        )

    def test_locks_that_the_sanitizer_does_not_see_are_found(self):
        text = '#include "absl/synchronization/mutex.h"\nabsl::MutexLock lock(&mutex_);\n// not absl::Mutex\nbase::Mutex m;\n'
        self.assert_finds(layers.check_calls, {"tests/a.cc": text}, "does not see this lock", "does not see this lock")


class FoldersTest(RuleTest):
    README = "# Q\n\n## The tree\n\n```\nplatform/   parts\ngone/       was here\n```\n"

    def test_map_misses_a_folder_and_names_one_that_is_gone(self):
        texts = {"README.md": self.README, "platform/a.h": "", "gateway/b.cc": ""}
        self.assert_finds(folders.check_map, texts, "does not name gateway/", "gone/ is gone")

    def test_map_as_it_is_passes(self):
        self.assert_finds(folders.check_map, {"README.md": self.README, "platform/a.h": "", "gone/b": ""})

    def test_no_readme_is_found_for_a_folder_and_one_below(self):
        self.assert_finds(folders.check_readmes, {"platform/base/a.h": ""}, "platform/README.md", "platform/base/README.md")

    def test_long_readme_and_one_without_limits_are_found(self):
        texts = {"docs/README.md": "Not here: code.\n" * 13, "k8s/README.md": "Things.\n"}
        self.assert_finds(folders.check_readmes, texts, "longer than", "Not here:")

    def test_list_that_is_written_makes_no_readme_long(self):
        texts = {"docs/README.md": "Not here: code.\n<!-- pages -->\n" + "- one\n" * 20 + "<!-- end of pages -->\n"}
        self.assert_finds(folders.check_readmes, texts)
        self.assert_finds(folders.check_readmes, {"docs/README.md": texts["docs/README.md"] + "More.\n" * 12}, "longer than")


class MigrationsTest(RuleTest):
    FOLDER = "inventory-svc/migrations"

    def lock(self, text: str) -> str:
        return f"{hashlib.sha256(text.encode()).hexdigest()}  0001_units.sql\n"

    def test_edit_after_the_freeze_is_found(self):
        texts = {f"{self.FOLDER}/0001_units.sql": "new", f"{self.FOLDER}/migrations.lock": self.lock("old")}
        self.assert_finds(migrations.check_frozen, texts, "was edited after it was frozen")

    def test_unlocked_and_vanished_migrations_are_found(self):
        self.assert_finds(migrations.check_frozen, {f"{self.FOLDER}/0001_units.sql": "new"}, "has no line for")
        self.assert_finds(migrations.check_frozen, {f"{self.FOLDER}/migrations.lock": self.lock("x")}, "is gone")

    def test_frozen_migration_passes(self):
        texts = {f"{self.FOLDER}/0001_units.sql": "same", f"{self.FOLDER}/migrations.lock": self.lock("same")}
        self.assert_finds(migrations.check_frozen, texts)


    def test_freezing_adds_what_is_new_and_leaves_what_is_frozen(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / self.FOLDER).mkdir(parents=True)
            lock = root / self.FOLDER / "migrations.lock"
            lock.write_text(self.lock("as frozen"))
            texts = {f"{self.FOLDER}/0001_units.sql": "edited", f"{self.FOLDER}/0002_lots.sql": "new"}

            migrations.freeze(root, Tree(texts))
            texts[f"{self.FOLDER}/migrations.lock"] = lock.read_text()

        self.assert_finds(migrations.check_frozen, texts, "0001_units.sql:1: was edited")

    def test_table_without_a_grant_and_grant_without_a_table_are_found(self):
        texts = {
            f"{self.FOLDER}/0001_units.sql": "CREATE TABLE units (\n);\nCREATE TABLE IF NOT EXISTS lots (\n);\n",
            f"{self.FOLDER}/runtime.grants": "# Why.\nSELECT ON schema_steps\nSELECT, INSERT ON units\nSELECT ON gone\nlots\n",
        }
        self.assert_finds(migrations.check_grants, texts, "not of the form", "no line for lots", "no migration makes gone")


class ProtosTest(RuleTest):
    PATH = "protos/quartermaster/inventory/v1/ledger.proto"

    def test_complete_method_passes(self):
        self.assert_finds(protos.check_methods, {self.PATH: GOOD_METHOD})

    def test_each_missing_part_is_found(self):
        for line, message in (
            ('    option (google.api.http) = { post: "/v1/movements:post" body: "*" };\n', "no google.api.http"),
            ('    option (quartermaster.type.v1.permission) = "ledger.post";\n', "no permission"),
            ("    option (quartermaster.type.v1.call_class) = POSTING;\n", "no call_class"),
        ):
            with self.subTest(message=message):
                self.assertIn(line, GOOD_METHOD)
                self.assert_finds(protos.check_methods, {self.PATH: GOOD_METHOD.replace(line, "")}, message)

    def test_unspecified_class_and_missing_comment_are_found(self):
        text = GOOD_METHOD.replace("= POSTING", "= CALL_CLASS_UNSPECIFIED")
        self.assert_finds(protos.check_methods, {self.PATH: text}, "no call_class")
        text = "\n".join(line for line in GOOD_METHOD.splitlines() if "//" not in line)
        self.assert_finds(protos.check_methods, {self.PATH: text}, "no comment")

    def test_protos_of_tests_are_no_api(self):
        text = GOOD_METHOD.replace("permission", "other")
        self.assert_finds(protos.check_methods, {"gateway/transcode/transcode_test.proto": text})

    def test_documented_reason_without_a_test_is_found(self):
        texts = {self.PATH: GOOD_METHOD, "tests/service/post_test.cc": "OTHER_REASON"}
        self.assert_finds(protos.check_reasons, texts, "expects INSUFFICIENT_STOCK")
        texts["tests/service/post_test.cc"] = '"INSUFFICIENT_STOCK"'
        self.assert_finds(protos.check_reasons, texts)


    def test_interface_that_nobody_lists_is_found(self):
        texts = {self.PATH: "service Ledger {\n}\n", protos.API_FILES: '#include "quartermaster/inventory/v1/units.pb.h"\n'}
        self.assert_finds(protos.check_api_files, texts, "not listed in protos/api_files.cc")
        texts[protos.API_FILES] = '#include "quartermaster/inventory/v1/ledger.pb.h"\n'
        self.assert_finds(protos.check_api_files, texts)


class ApiPageTest(RuleTest):
    PROTOS = {"protos/quartermaster/x.proto": "package quartermaster.x;\n\n// Books.\nservice Ledger {\n"
              "  // Posts.\n  rpc Post(PostRequest) returns (Movement) {\n"
              "    option (google.api.http) = { post: \"/v1/movements:post\" body: \"*\" };\n"
              "    option (quartermaster.type.v1.permission) = \"ledger.post\";\n  }\n}\n"}

    def test_page_tells_route_permission_and_comment(self):
        page = api_page.render(Tree(self.PROTOS))
        self.assertIn(
            "### Post\n\n`POST /v1/movements:post` · `PostRequest`, answered by `Movement` · permission `ledger.post`\n\nPosts.\n",
            page,
        )
        self.assertIn("## Ledger\n", page)

    def test_stream_is_on_the_page(self):
        text = self.PROTOS["protos/quartermaster/x.proto"].replace("returns (Movement)", "returns (stream type.v1.Record)")
        page = api_page.render(Tree({"protos/quartermaster/x.proto": text}))
        self.assertIn("by gRPC alone · `PostRequest`, answered by a stream of `type.v1.Record`", page)

    def test_stale_page_is_found(self):
        page = api_page.render(Tree(self.PROTOS))
        self.assert_finds(api_page.check_page, self.PROTOS | {api_page.PAGE: page})
        self.assert_finds(api_page.check_page, self.PROTOS | {api_page.PAGE: page + "x"}, "is not what the protos say")


class DecisionsTest(RuleTest):
    LIST = "# Decisions\n\n<!-- decisions -->\n\n- [0001](0001-books.md): Books\n\n<!-- end of decisions -->\n"
    TEXTS = {"docs/adr/README.md": LIST, "docs/adr/0001-books.md": "# 0001: Books\n"}

    def test_decisions_as_they_should_be_pass(self):
        self.assert_finds(decisions.check_numbers, self.TEXTS)
        self.assert_finds(decisions.check_list, self.TEXTS)
        self.assert_finds(decisions.check_list, {"docs/README.md": ""})

    def test_two_decisions_of_one_number_are_found(self):
        texts = self.TEXTS | {"docs/adr/0001-lanes.md": "# 0001: Lanes\n"}
        self.assert_finds(decisions.check_numbers, texts, "0001-lanes.md:1: has the number of 0001-books.md")

    def test_misnamed_decision_and_one_whose_title_has_another_number_are_found(self):
        texts = self.TEXTS | {"docs/adr/2-lanes.md": "# 0002: Lanes\n", "docs/adr/0003-feed.md": "# 0002: Feed\n"}
        self.assert_finds(decisions.check_numbers, texts, "does not begin with '# 0003: '", "is not named as a decision")

    def test_decision_missing_from_the_list_is_found(self):
        texts = self.TEXTS | {"docs/adr/0002-lanes.md": "# 0002: Lanes\n"}
        self.assert_finds(decisions.check_list, texts, "does not have '- [0002](0002-lanes.md): Lanes'")

    def test_listed_decision_that_is_gone_and_a_list_that_is_gone_are_found(self):
        texts = {"docs/adr/README.md": self.LIST, "docs/adr/0001-feed.md": "# 0001: Feed\n"}
        self.assert_finds(decisions.check_list, texts, "does not have '- [0001](0001-feed.md)", "has '- [0001](0001-books.md)")
        self.assert_finds(decisions.check_list, self.TEXTS | {"docs/adr/README.md": "# Decisions\n"}, "has no list between")

    def test_list_is_written_as_the_decisions_are(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            page = root / decisions.PAGE
            page.parent.mkdir(parents=True)
            page.write_text(self.LIST)
            texts = self.TEXTS | {"docs/adr/0002-lanes.md": "# 0002: Lanes\n"}

            decisions.write_list(root, Tree(texts))

            self.assert_finds(decisions.check_list, texts | {decisions.PAGE: page.read_text()})


class PromisesTest(RuleTest):
    def test_named_test_that_is_not_there_is_found(self):
        texts = {
            "docs/operations.md": "`ChaosTest.Survives`, `ChaosTest.*`, `ChaosTest.Forgets`, `LostTest.*`\n",
            "tests/chaos/chaos_test.cc": "TEST_F(ChaosTest, Survives) {\n}\n",
        }
        self.assert_finds(promises.check_named_tests, texts, "no test ChaosTest.Forgets", "no test LostTest.*")


class WordsTest(RuleTest):
    def test_each_word_is_found(self):
        for text in (
            "// TO" + "DO: later", "FIX" + "ME", "GTEST_SK" + "IP();", "TEST(A, DISA" + "BLED_B)",
            "cd /wo" + "rk/main", "at /ho" + "me/someone/x", "https://deb.deb" + "ian.org/debian", "registry.np" + "mjs.org",
        ):
            with self.subTest(text=text):
                self.assertEqual(1, len(words.check_words(Tree({"a.cc": text}))))

    def test_ordinary_text_passes(self):
        self.assert_finds(words.check_words, {"a.md": "The work of $HOME/work is done at home/work.\n"})


class SourcesTest(RuleTest):
    def test_source_that_nothing_builds_is_found(self):
        texts = {"a/CMakeLists.txt": "qm_library(a SOURCES built.cc)", "a/built.cc": "", "a/forgotten.cc": ""}
        self.assert_finds(sources.check_built, texts, "a/forgotten.cc")

    def test_shell_that_does_not_parse_is_found(self):
        self.assert_finds(sources.check_shell, {"tools/a.sh": "if true; then\n"}, "tools/a.sh")
        self.assert_finds(sources.check_shell, {"tools/a.sh": "if true; then :; fi\n"})

    def test_unformatted_source_is_found(self):
        self.assertIsNotNone(shutil.which("clang-format"))
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / ".clang-format").write_text("BasedOnStyle: Google\n")
            (root / "good.cc").write_text("int main() { return 0; }\n")
            (root / "bad.cc").write_text("int  main( ){return 0;}\n")
            found = sources.check_format(Tree({"good.cc": "", "bad.cc": ""}, root))
        self.assertEqual(["bad.cc"], [finding.path for finding in found])


class SettingsTest(unittest.TestCase):
    PAGE = "# Settings\n\n<!-- settings of gateway -->\n\n| old |\n\n<!-- end of settings -->\n"

    def test_stale_table_is_found_and_rewritten(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            program = root / "build/gateway/gateway"
            program.parent.mkdir(parents=True)
            program.write_text("#!/bin/sh\necho '| new |'\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            page = root / settings.PAGE
            page.parent.mkdir()
            page.write_text(self.PAGE)

            stale = settings.check_tables(Tree({settings.PAGE: self.PAGE}), root / "build")
            settings.write_tables(root, root / "build")
            fresh = settings.check_tables(Tree({settings.PAGE: page.read_text()}), root / "build")

        self.assertEqual(1, len(stale))
        self.assertEqual([], fresh)


if __name__ == "__main__":
    unittest.main()
