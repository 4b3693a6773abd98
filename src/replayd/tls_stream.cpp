// SPDX-License-Identifier: MIT
#include "replayd/tls_stream.h"

#include "replayd/log.h"

#include <array>
#include <cerrno>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdexcept>
#include <utility>

namespace apex::replayd {
namespace {

struct FreeContext final {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

struct FreeConnection final {
    void operator()(SSL* connection) const { SSL_free(connection); }
};

std::string openssl_cause()
{
    std::array<char, 256> text{};
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        return "no cause given";
    }
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

/// The number of the descriptor stays with OpenSSL; this owns it.
class TlsStream final : public Stream {
public:
    TlsStream(FileDescriptor socket, std::unique_ptr<SSL, FreeConnection> connection)
        : socket_(std::move(socket)), connection_(std::move(connection))
    {
    }

    [[nodiscard]] int number() const override { return socket_.number(); }

    Progress begin() override
    {
        ERR_clear_error();
        return progress(SSL_connect(connection_.get()), 0);
    }

    Progress read(ByteSpan octets) override
    {
        ERR_clear_error();
        std::size_t moved = 0;
        const int result = SSL_read_ex(connection_.get(), octets.data(), octets.size(), &moved);
        return progress(result, moved);
    }

    Progress write(ByteView octets) override
    {
        ERR_clear_error();
        std::size_t moved = 0;
        const int result = SSL_write_ex(connection_.get(), octets.data(), octets.size(), &moved);
        return progress(result, moved);
    }

private:
    Progress progress(int result, std::size_t moved)
    {
        const int system_error = errno;
        if (result > 0) {
            return {.state = Progress::State::moved, .octets = moved, .cause = {}};
        }
        switch (SSL_get_error(connection_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return {.state = Progress::State::wants_read, .octets = 0, .cause = {}};
        case SSL_ERROR_WANT_WRITE:
            return {.state = Progress::State::wants_write, .octets = 0, .cause = {}};
        case SSL_ERROR_ZERO_RETURN:
            return {.state = Progress::State::ended, .octets = 0, .cause = {}};
        case SSL_ERROR_SYSCALL:
            return {.state = Progress::State::failed,
                    .octets = 0,
                    .cause = "TLS: " + (system_error == 0 ? "the connection ended" : cause_of(system_error))};
        default:
            return {.state = Progress::State::failed, .octets = 0, .cause = "TLS: " + verdict()};
        }
    }

    [[nodiscard]] std::string verdict() const
    {
        const long verified = SSL_get_verify_result(connection_.get());
        return verified == X509_V_OK
                   ? openssl_cause()
                   : std::string("its certificate is not trusted: ") + X509_verify_cert_error_string(verified);
    }

    FileDescriptor socket_;
    std::unique_ptr<SSL, FreeConnection> connection_;
};

} // namespace

struct TlsClient::Context final {
    std::unique_ptr<SSL_CTX, FreeContext> context;
};

TlsClient::TlsClient(const TlsOptions& options) : context_(std::make_unique<Context>()), name_(options.name)
{
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    context_->context.reset(context);
    const auto demand = [](int done, const std::string& what) {
        if (done != 1) {
            throw std::runtime_error(what + ": " + openssl_cause());
        }
    };
    demand(context != nullptr ? 1 : 0, "TLS");
    demand(static_cast<int>(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)), "TLS 1.2");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (options.authorities.empty()) {
        demand(SSL_CTX_set_default_verify_paths(context), "the system's certificates");
    } else {
        demand(SSL_CTX_load_verify_locations(context, options.authorities.c_str(), nullptr), options.authorities);
    }
    if (!options.certificate.empty()) {
        demand(SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()), options.certificate);
        demand(SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM), options.key);
        demand(SSL_CTX_check_private_key(context), options.key);
    }
}

TlsClient::~TlsClient() = default;

std::unique_ptr<Stream> TlsClient::stream(FileDescriptor socket, const std::string& host) const
{
    std::unique_ptr<SSL, FreeConnection> connection(SSL_new(context_->context.get()));
    const std::string& name = name_.empty() ? host : name_;
    if (connection == nullptr || SSL_set_fd(connection.get(), socket.number()) != 1) {
        throw std::runtime_error("TLS: " + openssl_cause());
    }
    // An address is compared with the certificate's addresses, a name with its names.
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection.get()), name.c_str()) != 1) {
        ERR_clear_error();
        if (SSL_set1_host(connection.get(), name.c_str()) != 1 ||
            SSL_ctrl(connection.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     const_cast<char*>(name.c_str())) != 1) {
            throw std::runtime_error("TLS: the name " + name + " cannot be used");
        }
    }
    return std::make_unique<TlsStream>(std::move(socket), std::move(connection));
}

} // namespace apex::replayd
