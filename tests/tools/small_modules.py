# SPDX-License-Identifier: MIT
"""Small mechanism modules, programs that load them, and apexctl's report on both."""
import json
import os
import subprocess
import sys
import tempfile

APEXCTL = os.path.abspath(os.environ.get("APEXCTL", "./apexctl"))
COMPILER = os.environ.get("CC", "cc").split()
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # for every user
OID = "2.25.6182930471855164202"

MODULE = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { uint32_t length; void *elements; } oid;
typedef struct { size_t count; oid *elements; } oid_set;
#ifdef APEX
__attribute__((visibility("default"))) const char apex_version[] = APEX;
#endif
#ifdef UNRESOLVED
void a_function_that_nobody_has(void);
void *use(void) { return (void *)&a_function_that_nobody_has; }
#endif
#ifdef MARK
__attribute__((constructor)) static void leave_a_mark(void) { fclose(fopen(MARK, "w")); }
#endif
#ifdef CRASH
__attribute__((constructor)) static void crash(void) { abort(); }
#endif
#ifndef NO_INTERPOSER
uint32_t gss_create_empty_oid_set(uint32_t *, oid_set **);
uint32_t gss_add_oid_set_member(uint32_t *, oid *, oid_set **);
oid_set *gss_mech_interposer(oid *own)
{
#ifdef DECLINE
    (void)own;
    return NULL;
#else
    if (getenv("APEX_DISABLE") != NULL)
        return NULL;
    static unsigned char krb5[] = KRB5;
    oid mechanism = {sizeof krb5 - 1, krb5};
    oid_set *set = NULL;
    uint32_t minor;
    (void)own;
    gss_create_empty_oid_set(&minor, &set);
    gss_add_oid_set_member(&minor, &mechanism, &set);
    return set;
#endif
}
static int name;
uint32_t gssi_import_name(uint32_t *minor, void *text, oid *type, void **out)
{
    (void)text;
    (void)type;
    *minor = 0;
    *out = &name;
    return 0;
}
#ifndef NO_INQUIRY
uint32_t gssi_inquire_name(uint32_t *minor, void *in, int *is_mn, oid **mech, void **attributes)
{
    (void)in;
    (void)is_mn;
    (void)mech;
    (void)attributes;
    *minor = 0;
    return 0;
}
#endif
uint32_t gssi_release_name(uint32_t *minor, void **out)
{
    *minor = 0;
    *out = NULL;
    return 0;
}
#endif
"""
KRB5 = r'-DKRB5="\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"'
NTLM = r'-DKRB5="\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"'

CLIENT = r"""
import ctypes, sys
if "load" in sys.argv[1]:
    gss = ctypes.CDLL("libgssapi_krb5.so.2")
if "use" in sys.argv[1]:
    minor, mechs = ctypes.c_uint32(), ctypes.c_void_p()
    gss.gss_indicate_mechs(ctypes.byref(minor), ctypes.byref(mechs))
print("ready", flush=True)
sys.stdin.read()
"""


def can_mount():
    command = ["unshare", "-m", "sh", "-c", "mount --bind /tmp /etc/gss"]
    return os.path.isdir("/etc/gss") and subprocess.run(command, capture_output=True).returncode == 0


class Folder:
    """A temporary folder with modules, made once."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="apexctl-")
        self.file("module.c", MODULE)
        self.apex = self.module("good", KRB5, '-DAPEX="9.8.7"')
        self.other = self.module("other", KRB5)

    def file(self, name, text):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        return path

    def module(self, name, *flags):
        path = os.path.join(self.path, name + ".so")
        source = os.path.join(self.path, "module.c")
        subprocess.run([*COMPILER, "-shared", "-fPIC", "-o", path, source, *flags, "-lgssapi_krb5"], check=True)
        return path


def status(*arguments, environment=None, prefix=()):
    """Runs apexctl status --json; returns the exit code and the report."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GSS_")}
    variables.update(environment or {})
    run = subprocess.run([*prefix, APEXCTL, "status", "--json", *arguments], capture_output=True, text=True,
                         env=variables, stdin=subprocess.DEVNULL, timeout=60)
    if not run.stdout:
        raise AssertionError(f"no report: {run.stderr}")
    report = json.loads(run.stdout)
    assert report["exit_code"] == run.returncode, "the report and the exit code differ"
    return run.returncode, report


def codes(findings):
    return [finding["code"] for finding in findings]


class Client:
    """A process that loads, and perhaps uses, the mechglue."""

    def __init__(self, what, config=None, prefix=(), more=None, user=None):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GSS_")}
        if config:
            variables["GSS_MECH_CONFIG"] = config
        variables.update(more or {})
        self.process = subprocess.Popen([*prefix, PYTHON, "-c", CLIENT, what], env=variables, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=user)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def status(self, environment=None):
        return status("--pid", str(self.process.pid), environment=environment)
