// SPDX-License-Identifier: MIT
#include "host/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

namespace apex {

Descriptor::Descriptor(int number) noexcept : number_(number)
{
    constexpr int first_free = 3;
    if (number_ >= 0 && number_ < first_free) {
        number_ = fcntl(number, F_DUPFD_CLOEXEC, first_free);
        close(number);
    }
}

Descriptor::~Descriptor()
{
    if (number_ >= 0) {
        close(number_);
    }
}

} // namespace apex
