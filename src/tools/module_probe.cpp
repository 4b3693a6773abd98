// SPDX-License-Identifier: MIT
#include "tools/module_probe.h"

#include "tools/child.h"
#include "tools/elf_facts.h"
#include "tools/mech_oid.h"
#include "tools/process.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace apex {

namespace {

using Interposer = gss_OID_set (*)(gss_OID);

Interposer interposer_symbol(void* module)
{
    void* const symbol = ::dlsym(module, "gss_mech_interposer");
    Interposer function = nullptr;
    static_assert(sizeof function == sizeof symbol);
    std::memcpy(&function, &symbol, sizeof function); // POSIX lets an object pointer carry a function
    return function;
}

bool takes_over_krb5(gss_const_OID_set mechanisms)
{
    for (std::size_t index = 0; index < mechanisms->count; ++index) {
        const gss_OID_desc& mechanism = mechanisms->elements[index];
        if (same(view_of(mechanism.elements, mechanism.length), krb5_oid())) {
            return true;
        }
    }
    return false;
}

ModuleProblem ask_interposer(void* module, Bytes oid)
{
    const Interposer interposer = interposer_symbol(module);
    if (interposer == nullptr) {
        return ModuleProblem::NoInterposer;
    }
    gss_OID_desc own{static_cast<OM_uint32>(oid.size()), oid.data()};
    const gss_OID_set mechanisms = interposer(&own);
    if (mechanisms == nullptr || mechanisms->count == 0) {
        return ModuleProblem::Declines;
    }
    return takes_over_krb5(mechanisms) ? ModuleProblem::None : ModuleProblem::OtherMechs;
}

/// probe_here does the work, in the child.
nlohmann::json probe_here(const std::string& path, const Bytes& oid)
{
    void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (module == nullptr) {
        return {{"problem", ModuleProblem::NotLoadable}, {"detail", ::dlerror()}};
    }
    nlohmann::json facts{{"problem", ask_interposer(module, oid)}, {"detail", ""}};
    if (const void* const version = ::dlsym(module, "apex_version")) {
        facts["version"] = static_cast<const char*>(version);
    }
    return facts;
}

void set_switches(const Switches& switches)
{
    for (const char* name : switch_names) {
        ::unsetenv(name);
    }
    for (const auto& [name, value] : switches) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
}

} // namespace

ModuleFacts examine_module(const std::string& path)
{
    std::string trouble;
    if (::access(path.c_str(), F_OK) != 0) {
        return {ModuleProblem::Missing, std::strerror(errno), {}};
    }
    const std::optional<std::string> object = read_file(path, trouble);
    const std::optional<ElfFacts> facts = object ? read_elf(*object) : std::nullopt;
    if (!facts) {
        return {ModuleProblem::NotLoadable, object ? "it is no shared object of this machine" : trouble, {}};
    }
    return {facts->has_interposer ? ModuleProblem::None : ModuleProblem::NoInterposer, "", facts->apex_version};
}

ModuleFacts probe_module(const std::string& path, const Bytes& oid, const Switches& switches)
{
    if (::access(path.c_str(), F_OK) != 0) {
        return {ModuleProblem::Missing, std::strerror(errno), {}};
    }
    const ChildReport report = ask_child([&] {
        set_switches(switches);
        return probe_here(path, oid).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    });
    if (!report.trouble.empty()) {
        return {ModuleProblem::Crashes, report.trouble, {}};
    }
    const nlohmann::json facts = nlohmann::json::parse(report.text);
    ModuleFacts module{facts.at("problem").get<ModuleProblem>(), facts.at("detail").get<std::string>(), {}};
    if (facts.contains("version")) {
        module.apex_version = facts.at("version").get<std::string>();
    }
    if (module.problem == ModuleProblem::Declines && module.is_apex() && switches.contains("APEX_DISABLE")) {
        module.detail = "APEX_DISABLE=" + switches.at("APEX_DISABLE") + " is set in the environment";
    }
    return module;
}

} // namespace apex
