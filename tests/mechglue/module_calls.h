// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <stdexcept>
#include <string>

namespace apex::test {

/// module is the built module (APEX_MODULE), as the mechglue loads it.
inline void* module()
{
    static void* const opened = dlopen(std::getenv("APEX_MODULE"), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) {
        throw std::runtime_error("APEX_MODULE cannot be loaded");
    }
    return opened;
}

/// call runs a function of the module by its name, past the mechglue; the types are those of the arguments.
template <typename... Arguments>
OM_uint32 call(const char* name, Arguments... arguments)
{
    void* symbol = dlsym(module(), name);
    if (symbol == nullptr) {
        throw std::runtime_error(std::string("the module has no ") + name);
    }
    OM_uint32 (*function)(Arguments...) = nullptr;
    std::memcpy(&function, &symbol, sizeof function);
    return function(arguments...);
}

} // namespace apex::test
