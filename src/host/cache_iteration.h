// SPDX-License-Identifier: MIT
#pragma once

#include "apex/host/krb5_handle.h"

namespace apex {

/// CacheIteration owns a running iteration over a credential cache's tickets.
class CacheIteration final {
public:
    CacheIteration(const Krb5Context& context, krb5_ccache cache) noexcept : context_(context.get()), cache_(cache) {}
    ~CacheIteration()
    {
        if (running_) {
            static_cast<void>(krb5_cc_end_seq_get(context_, cache_, &cursor_));
        }
    }
    CacheIteration(const CacheIteration&) = delete;
    CacheIteration& operator=(const CacheIteration&) = delete;

    krb5_error_code start()
    {
        const krb5_error_code code = krb5_cc_start_seq_get(context_, cache_, &cursor_);
        running_ = code == 0;
        return code;
    }
    /// KRB5_CC_END after the last ticket.
    krb5_error_code next(Krb5Creds& creds) { return krb5_cc_next_cred(context_, cache_, &cursor_, creds.out()); }

private:
    krb5_context context_;
    krb5_ccache cache_;
    krb5_cc_cursor cursor_ = nullptr;
    bool running_ = false;
};

} // namespace apex
