#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apexctl status notices every way in which a mechanism plugin is silently not used (INVARIANTS H9).

Small modules are compiled into a temporary folder, so nothing here depends on Apex's own module. The files under
/etc/gss are put in place in a mount namespace where that is possible, and by GSS_MECH_CONFIG elsewhere.
"""
import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True

from small_modules import APEXCTL, KRB5, NTLM, OID, Client, Folder, can_mount, codes, status

NOBODY = 65534


class WithFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder.path)

    def line(self, library, oid=OID, kind=" <interposer>", name="apex"):
        return f"{name} {oid} {library}{kind}\n"

    def judge(self, text):
        return status("--config", self.folder.file("mech.conf", text))

    def refused(self, text, code, *words):
        """Asserts that the entry is noticed as unused, for one reason with this code and these words."""
        result, report = self.judge(text)
        self.assertEqual((result, report["answer"]), (1, "built-in"), report)
        self.assertEqual(codes(report["reasons"]), [code], report)
        for word in words:
            self.assertIn(word, report["reasons"][0]["text"])
        self.assertTrue(report["reasons"][0]["remedy"])


class Lines(WithFolder):
    def test_a_sound_entry_makes_apex_answer(self):
        result, report = self.judge(self.line(self.folder.apex))
        self.assertEqual((result, report["answer"], report["version"]), (0, "apex", "9.8.7"), report)
        self.assertEqual(report["module"], self.folder.apex)
        self.assertTrue(report["entry"].endswith("mech.conf:1"))
        self.assertIn(OID, report["evidence"])
        self.assertEqual(report["reasons"], [])

    def test_an_empty_file_has_no_entry(self):
        self.refused("# nothing here\n\n", "no-entry")

    def test_a_leading_blank_is_noticed(self):
        self.refused(" " + self.line(self.folder.apex), "leading-blank", "blank")
        self.refused("\t" + self.line(self.folder.apex), "leading-blank")

    def test_a_comment_is_noticed(self):
        self.refused("# " + self.line(self.folder.apex), "comment")

    def test_a_capital_interposer_is_noticed(self):
        self.refused(self.line(self.folder.apex, kind=" <Interposer>"), "wrong-type", "<Interposer>")

    def test_a_missing_type_is_noticed(self):
        self.refused(self.line(self.folder.apex, kind=""), "not-interposer")

    def test_a_bad_oid_is_noticed(self):
        self.refused(self.line(self.folder.apex, oid="apex.oid"), "bad-oid", '"apex.oid"')

    def test_a_line_with_two_fields_is_noticed(self):
        self.refused(f"apex {OID}\n", "incomplete")

    def test_an_oid_that_the_mechglue_cuts_is_noted_though_it_serves(self):
        line = self.line(self.folder.apex, oid="2.25.289482983412341234213412341234123412341")
        result, report = self.judge(line)
        self.assertEqual((result, codes(report["notes"])), (0, ["overlong-oid"]), report)
        self.assertIn("2.25", report["evidence"])

    def test_a_later_line_with_the_same_oid_replaces_the_library(self):
        result, report = self.judge(self.line(self.folder.apex) + self.line("/nowhere/x.so"))
        self.assertEqual(result, 1)
        self.assertEqual(codes(report["reasons"]), ["replaced-entry", "missing-file"], report)


class Modules(WithFolder):
    def test_a_wrong_path_is_noticed(self):
        self.refused(self.line("/nowhere/mech_apex.so"), "missing-file", "/nowhere/mech_apex.so")

    def test_a_relative_path_is_looked_up_in_the_folder_of_the_mechglue(self):
        self.refused(self.line("nowhere/mech_apex.so"), "relative-path", "/gss/nowhere/mech_apex.so")

    def test_an_unresolved_symbol_is_noticed_by_name(self):
        broken = self.folder.module("broken", KRB5, "-DUNRESOLVED", '-DAPEX="1"')
        self.refused(self.line(broken), "not-loadable", "undefined symbol: a_function_that_nobody_has")

    def test_a_file_that_is_no_library_is_noticed(self):
        self.refused(self.line(self.folder.file("text.so", "hello\n" * 40)), "not-loadable", "invalid ELF header")

    def test_a_truncated_library_is_noticed(self):
        with open(self.folder.apex, "rb") as whole:
            half = whole.read()[:1000]
        path = os.path.join(self.folder.path, "half.so")
        with open(path, "wb") as out:
            out.write(half)
        result, report = self.judge(self.line(path))
        self.assertIn((result, codes(report["reasons"])), [(1, ["not-loadable"]), (2, ["crashes"])], report)

    def test_a_module_without_name_inquiry_is_recognised_by_its_mapping(self):
        result, report = self.judge(self.line(self.folder.module("mute", KRB5, "-DNO_INQUIRY", '-DAPEX="1"')))
        self.assertEqual((result, codes(report["notes"])), (0, ["trial-failed"]), report)
        self.assertIn("mapped", report["evidence"])

    def test_a_library_without_an_interposer_function_is_noticed(self):
        plain = self.folder.module("plain", "-DNO_INTERPOSER", '-DAPEX="1"')
        self.refused(self.line(plain), "no-interposer", "gss_mech_interposer")

    def test_an_interposer_that_declines_is_noticed(self):
        self.refused(self.line(self.folder.module("shy", "-DDECLINE", '-DAPEX="1"')), "declines")

    def test_an_interposer_of_something_else_is_noticed(self):
        self.refused(self.line(self.folder.module("ntlm", NTLM, '-DAPEX="1"')), "other-mechanisms")

    def test_a_library_that_kills_its_host_is_noticed(self):
        result, report = self.judge(self.line(self.folder.module("bomb", KRB5, "-DCRASH")))
        self.assertEqual((result, codes(report["reasons"])), (2, ["crashes"]), report)
        self.assertIn("signal 6", report["reasons"][0]["text"])

    def test_another_interposer_that_stands_first_is_noticed(self):
        second = self.line(self.folder.other, "1.2.3.4", name="proxy") + self.line(self.folder.apex)
        result, report = self.judge(second)
        self.assertEqual((result, report["answer"], report["module"]), (1, "other", self.folder.other), report)
        self.assertEqual(codes(report["reasons"]), ["other-first"])
        first = self.line(self.folder.apex) + self.line(self.folder.other, "1.2.3.4", name="proxy")
        self.assertEqual(self.judge(first)[0], 0)

    def test_another_interposer_that_declines_does_no_harm(self):
        shy = self.folder.module("shy", "-DDECLINE")
        text = self.line(shy, "1.2.3.4", name="proxy") + self.line(self.folder.apex)
        self.assertEqual(self.judge(text)[0], 0)

    def test_a_module_that_is_not_apex_is_not_taken_for_it_by_its_name(self):
        imposter = self.folder.module("mech_apex", KRB5)
        result, report = self.judge(self.line(imposter))
        self.assertEqual((result, report["answer"]), (1, "other"), report)


class Environment(WithFolder):
    def test_mech_config_is_heeded_and_mentioned(self):
        path = self.folder.file("own.conf", self.line(self.folder.apex))
        result, report = status(environment={"GSS_MECH_CONFIG": path})
        self.assertEqual((result, codes(report["notes"])), (0, ["mech-config-set"]), report)
        self.assertIn(path, report["source"])

    def test_mech_config_with_a_missing_file_is_noticed(self):
        result, report = status(environment={"GSS_MECH_CONFIG": "/nowhere.conf"})
        self.assertEqual(result, 1)
        self.assertEqual(codes(report["reasons"])[0], "unreadable-file", report)

    def test_a_module_that_was_told_to_stand_back_is_noticed(self):
        path = self.folder.file("own.conf", self.line(self.folder.apex))
        result, report = status("--config", path, environment={"APEX_DISABLE": "1"})
        self.assertEqual((result, codes(report["reasons"])), (1, ["disabled"]), report)
        with Client("load use", path, more={"APEX_DISABLE": "1"}) as client:
            result, report = client.status()
        self.assertEqual((result, codes(report["reasons"])), (1, ["disabled"]), report)

    def test_a_program_that_krb5_conf_leaves_out_is_noticed(self):
        path = self.folder.file("own.conf", self.line(self.folder.apex))
        with Client("load use", path) as client:
            program = os.readlink(f"/proc/{client.process.pid}/exe")
            for number, (lists, answer) in enumerate((
                    (f"not_programs = {program}", "built-in"), (f"not_programs = {os.path.basename(program)}", "built-in"),
                    ("only_programs = apexctl", "built-in"), ("not_programs = apexctl", "apex"),
                    (f"only_programs = {program}", "apex"))):
                krb5 = self.folder.file(f"krb5.{number}.conf", f"[apex]\n    {lists}\n")
                result, report = client.status(environment={"KRB5_CONFIG": krb5})
                self.assertEqual(report["answer"], answer, (lists, report))
                if answer == "built-in":
                    self.assertEqual((result, codes(report["reasons"])), (1, ["program-left-out"]), report)
                    self.assertIn(lists.split()[0], report["reasons"][0]["text"])
                    self.assertIn(program, report["reasons"][0]["text"])

    def test_a_wrong_option_is_a_usage_error(self):
        run = subprocess.run([APEXCTL, "status", "--pid", "x"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 2)
        self.assertIn("pid", run.stderr)
        self.assertEqual(subprocess.run([APEXCTL], capture_output=True).returncode, 2)

    def test_the_text_report_names_the_reason_and_the_remedy(self):
        path = self.folder.file("own.conf", " " + self.line(self.folder.apex))
        run = subprocess.run([APEXCTL, "status", "--config", path], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("the built-in mechanism answers, not Apex", run.stdout)
        self.assertIn("[leading-blank]", run.stdout)
        self.assertIn("remedy", run.stdout)


class Processes(WithFolder):
    def config(self, text):
        return self.folder.file("process.conf", text)

    def test_a_process_served_by_apex_is_recognised(self):
        with Client("load use", self.config(self.line(self.folder.apex))) as client:
            result, report = client.status()
        self.assertEqual((result, report["answer"], report["version"]), (0, "apex", "9.8.7"), report)
        self.assertEqual(codes(report["notes"]), ["mech-config-set"])

    def test_a_process_without_the_mechglue_cannot_be_judged(self):
        with Client("nothing") as client:
            result, report = client.status()
        self.assertEqual((result, codes(report["reasons"])), (2, ["no-mechglue"]), report)

    def test_a_process_that_has_not_used_kerberos_cannot_be_judged(self):
        with Client("load", self.config(self.line(self.folder.apex))) as client:
            result, report = client.status()
        self.assertEqual((result, codes(report["reasons"])), (2, ["not-loaded-yet"]), report)

    def test_a_process_whose_entry_is_broken_uses_the_built_in_mechanism(self):
        with Client("load use", self.config(" " + self.line(self.folder.apex))) as client:
            result, report = client.status()
        self.assertEqual((result, codes(report["reasons"])), (1, ["leading-blank"]), report)

    def test_another_interposer_first_is_noticed_in_a_process(self):
        text = self.line(self.folder.other, "1.2.3.4", name="proxy") + self.line(self.folder.apex)
        with Client("load use", self.config(text)) as client:
            result, report = client.status()
        self.assertEqual((result, report["answer"], codes(report["reasons"])), (1, "other", ["other-first"]), report)

    def test_a_module_removed_under_a_process_is_noticed(self):
        module = self.folder.module("gone", KRB5, '-DAPEX="1.0-old"')
        with Client("load use", self.config(self.line(module))) as client:
            os.unlink(module)
            result, report = client.status()
        self.assertEqual((result, report["answer"]), (0, "apex"), report)
        self.assertIn("replaced-module", codes(report["notes"]))
        if os.geteuid() == 0:
            self.assertEqual(report["version"], "1.0-old", report)

    def test_a_module_replaced_under_a_process_is_noticed(self):
        module = self.folder.module("replaced", KRB5, '-DAPEX="1.0-old"')
        with Client("load use", self.config(self.line(module))) as client:
            os.rename(self.folder.module("new", KRB5, '-DAPEX="2.0-new"'), module)
            result, report = client.status()
        self.assertEqual((result, report["answer"]), (0, "apex"), report)
        self.assertIn("replaced-module", codes(report["notes"]))
        self.assertNotEqual(report["version"], "2.0-new")

    def test_an_entry_removed_under_a_process_is_noticed(self):
        shutil.copy(self.folder.apex, os.path.join(self.folder.path, "mech_apex.so"))
        config = self.config(self.line(os.path.join(self.folder.path, "mech_apex.so")))
        with Client("load use", config) as client:
            self.config("")
            result, report = client.status()
        self.assertEqual((result, report["answer"]), (0, "apex"), report)
        self.assertIn("entry-gone", codes(report["notes"]))

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_nothing_that_another_user_chose_is_run(self):
        os.chmod(self.folder.path, 0o777)
        mark = os.path.join(self.folder.path, "mark")
        module = self.folder.module("trap", KRB5, '-DAPEX="6.6.6"', f'-DMARK="{mark}"')
        config = self.config(self.line(module))
        for owner in (NOBODY, 0):
            os.chown(module, owner, owner)
            os.chmod(module, 0o777)
            with Client("load use", config, user=NOBODY) as client:
                os.unlink(mark)
                result, report = client.status()
            self.assertFalse(os.path.exists(mark), "the module of another user was run as root")
            self.assertEqual((result, report["version"]), (0, "6.6.6"), report)

    def test_a_configuration_that_is_no_file_does_not_hold_us_up(self):
        pipe = os.path.join(self.folder.path, "pipe")
        os.mkfifo(pipe)
        with Client("load", "/nowhere", more={"GSS_MECH_CONFIG": pipe}) as client:
            result, report = client.status()
        self.assertEqual(codes(report["reasons"])[0], "unreadable-file", report)

    def test_a_process_that_does_not_exist_cannot_be_judged(self):
        result, report = status("--pid", "99999999")
        self.assertEqual((result, codes(report["reasons"])), (2, ["no-process"]), report)


@unittest.skipUnless(can_mount(), "no mount namespace")
class Machine(WithFolder):
    """The files under /etc/gss themselves, in a mount namespace."""

    def setUp(self):
        self.etc = os.path.join(self.folder.path, "etc")
        shutil.rmtree(self.etc, ignore_errors=True)
        os.makedirs(os.path.join(self.etc, "mech.d"))
        self.prefix = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/gss && exec "$@"', self.etc]

    def put(self, name, text):
        self.folder.file(os.path.join("etc", name), text)

    def test_an_empty_folder_has_no_entry(self):
        result, report = status(prefix=self.prefix)
        self.assertEqual((result, codes(report["reasons"])), (1, ["no-entry"]), report)

    def test_an_entry_in_the_folder_makes_apex_answer(self):
        self.put("mech.d/apex.conf", self.line(self.folder.apex))
        result, report = status(prefix=self.prefix)
        self.assertEqual((result, report["entry"]), (0, "/etc/gss/mech.d/apex.conf:1"), report)

    def test_a_file_without_the_ending_conf_is_not_read(self):
        self.put("mech.d/apex", self.line(self.folder.apex))
        self.assertEqual(codes(status(prefix=self.prefix)[1]["reasons"]), ["no-entry"])

    def test_files_count_in_the_order_of_their_names_after_the_main_file(self):
        self.put("mech.d/apex.conf", self.line(self.folder.apex))
        self.put("mech.d/zzz.conf", self.line(self.folder.other, "1.2.3.4", name="proxy"))
        self.assertEqual(status(prefix=self.prefix)[0], 0)
        self.put("mech.d/aaa.conf", self.line(self.folder.other, "1.2.3.5", name="proxy"))
        self.assertEqual(codes(status(prefix=self.prefix)[1]["reasons"]), ["other-first"])
        os.unlink(os.path.join(self.etc, "mech.d/aaa.conf"))
        self.put("mech", self.line(self.folder.other, "1.2.3.6", name="proxy"))
        self.assertEqual(status(prefix=self.prefix)[1]["files"][0], "/etc/gss/mech")
        self.assertEqual(codes(status(prefix=self.prefix)[1]["reasons"]), ["other-first"])

    def test_a_process_is_judged_by_the_files_that_it_sees_itself(self):
        self.put("mech.d/apex.conf", self.line(self.folder.apex))
        with Client("load use", prefix=self.prefix) as client:
            result, report = client.status()
        self.assertEqual((result, report["entry"]), (0, "/etc/gss/mech.d/apex.conf:1"), report)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed, {len(result.skipped)} skipped")
    return 1 if bad or result.testsRun == len(result.skipped) else 0


if __name__ == "__main__":
    sys.exit(main())
