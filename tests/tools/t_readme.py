#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command of README does what README says; every name in its tables exists.

The commands are run in a mount namespace: what `make install` writes goes to an overlay, /etc/gss is private.
"""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
sys.dont_write_bytecode = True

import stage
from report import Report

SKIPPED = 77
ENTRY = "/etc/gss/mech.d/apex.conf"
USER_OF_KERBEROS = """
import ctypes, sys
gss = ctypes.CDLL("libgssapi_krb5.so.2")
minor, mechs = ctypes.c_uint32(), ctypes.c_void_p()
gss.gss_indicate_mechs(ctypes.byref(minor), ctypes.byref(mechs))
print("ready", flush=True)
sys.stdin.read()
"""


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as file:
        return file.read()


def make_variable(name):
    told = shell(f"make -s --no-print-directory --eval='show-it:;@echo {name} is $({name})' show-it")
    found = re.findall(f"^{name} is (/.*)$", told, re.M)
    if len(found) != 1:
        raise AssertionError(f"the Makefile does not tell {name}: {told[-2000:]}")
    return found[0]


def environment():
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("GSS_", "APEX_", "MAKE", "MFLAGS"))}
    return dict(clean, PATH=os.path.join(make_prefix, "bin") + ":" + clean["PATH"])


def shell(command, status=0):
    """Runs a command of README; its output comes back."""
    done = subprocess.run(["sh", "-c", command], env=environment() if make_prefix else None, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    if done.returncode != status:
        raise AssertionError(f"{command} ended with {done.returncode}, not {status}: {done.stdout[-2000:]}")
    return done.stdout


make_prefix = ""


def private_view(prefix):
    """Makes everything that the commands write private."""
    stage.mount("-t", "tmpfs", "-o", "mode=755", "apex", "/run")
    folder = prefix
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    if folder == "/":
        return False
    for name in ("upper", "work", "gss/mech.d"):
        os.makedirs("/run/" + name)
    stage.mount("-t", "overlay", "-o", f"lowerdir={folder},upperdir=/run/upper,workdir=/run/work", "apex", folder)
    stage.mount("--bind", "/run/gss", "/etc/gss")
    os.chdir(os.getcwd())
    return True


# What stands behind each command.

def run_by_another_test(command):
    """`./bootstrap demo` is a build and what t_demo runs; `./bootstrap check` is what runs this test."""
    word = command.split()[1]
    if f"    {word})" not in read("bootstrap"):
        raise AssertionError(f"bootstrap knows no {word}")


def install(command):
    """All but the last part has happened, or this test would not run."""
    parts = [part.strip() for part in command.split("&&")]
    assert parts == ["autoreconf -i", "./configure", "make", "make check", "make install"], parts
    for path in (os.path.join(TOP, "configure"), "config.status", "apexctl"):
        assert os.path.exists(path), path
    shell(parts[-1])
    module = os.path.join(make_variable("libdir"), "gss", "mech_apex.so")
    assert os.path.exists(module), f"make install made no {module}"
    assert not os.path.exists(ENTRY), "make install made an entry"
    shell("apexctl status", status=1)


def enable(command):
    shell(command)
    with open(ENTRY, encoding="ascii") as file:
        text = file.read()
    assert os.path.join(make_variable("libdir"), "gss", "mech_apex.so") in text, text


def verify(command):
    text = shell(command)
    assert "answers" in text and "mech_apex.so" in text and ENTRY in text, text


def verify_process(command):
    with subprocess.Popen([sys.executable, "-c", USER_OF_KERBEROS], env=environment(), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        text = shell(command.replace("PID", str(process.pid)))
        process.stdin.close()
    assert "mapped" in text, text


def switch_off(command):
    shell(command)
    text = shell("apexctl status", status=1)
    assert "no-entry" in text, text


def hand_back(command):
    shell("make install-mech-entry sysconfdir=/etc")
    text = shell(command, status=1)
    assert "[disabled]" in text, text


COMMANDS = {
    "./bootstrap demo": run_by_another_test,
    "./bootstrap check": run_by_another_test,
    "autoreconf -i && ./configure && make && make check && make install": install,
    "make install-mech-entry sysconfdir=/etc": enable,
    "apexctl status": verify,
    "apexctl status --pid PID": verify_process,
    "rm /etc/gss/mech.d/apex.conf": switch_off,
    "APEX_DISABLE=1 apexctl status": hand_back,
}


# What needs no command.

def every_command_has_its_test():
    commands = re.findall(r"^    \$ (.*)$", read("README"), re.M)
    assert commands == list(COMMANDS), [set(commands) ^ set(COMMANDS), "or their order"]


def every_refusal_exists():
    names = set(re.findall(r'"([A-Z][A-Za-z]+)"', read("src/base/fault.cpp")))
    table = re.findall(r"^\| ([A-Z][A-Za-z]+) \|", read("README"), re.M)
    assert len(table) > 10 and set(table) <= names, set(table) - names


def every_file_exists():
    for name in ("conf/krb5.conf.example", "ARCHITECTURE.md", "LICENSE", "mech", "src", "include", "tests"):
        assert os.path.exists(os.path.join(TOP, name)), name


def every_setting_exists():
    manual = read("conf/mech_apex.8")
    for name in re.findall(r"`([a-z]+_[a-z_]+)`", read("README")):
        if not name.startswith(("mech_", "gss_")):
            assert f".B {name}\n" in manual, name


def every_reason_is_in_the_manual():
    manual = read("conf/apexctl.1").replace("\\-", "-")
    code = "".join(read(f"src/tools/{name}.cpp") for name in ("findings", "status", "setup", "apexctl"))
    codes = set(re.findall(r'\{"([a-z-]+)", (?:where|place|status|setup|file|"|"")', code))
    codes |= set(re.findall(r'Finding\{"([a-z-]+)"', code))
    assert len(codes) > 20, codes
    for name in codes:
        assert f".B {name}\n" in manual, name


def the_manuals_are_well_formed():
    for path in glob.glob(os.path.join(TOP, "conf", "*.[1-8]")):
        text = subprocess.run(["groff", "-man", "-ww", "-z", path], capture_output=True, text=True)
        assert text.returncode == 0 and not text.stderr, text.stderr


def main():
    global make_prefix
    report = Report()
    stage.enter_namespace(os.path.abspath(__file__), sys.argv[1:]) if os.geteuid() == 0 else None
    for function in (every_command_has_its_test, every_refusal_exists, every_file_exists, every_setting_exists,
                     every_reason_is_in_the_manual, the_manuals_are_well_formed):
        report.case(function.__name__, function)
    prefix = make_variable("prefix")
    if os.geteuid() != 0 or not private_view(prefix):
        report.skip("commands", f"they need root and a prefix that can be made private, not {prefix}")
        return report.finish()
    make_prefix = prefix
    for command, function in COMMANDS.items():
        report.case(command, function, command)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
