// SPDX-License-Identifier: MIT
#include "entry_points.h"

#include <array>

namespace apex::test {
namespace {

/// Header, data, padding and trailer, allocated by the call.
struct Iov final {
    explicit Iov(OM_uint32 first)
    {
        data.fill('d');
        parts[0] = {first | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}};
        parts[1] = {GSS_IOV_BUFFER_TYPE_DATA, {data.size(), data.data()}};
        parts[2] = {GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}};
        parts[3] = {GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, nullptr}};
    }
    ~Iov()
    {
        OM_uint32 minor = 0;
        gss_release_iov_buffer(&minor, parts.data(), static_cast<int>(parts.size()));
    }
    Iov(const Iov&) = delete;
    Iov& operator=(const Iov&) = delete;

    OM_uint32 wrap(Handles& world)
    {
        OM_uint32 minor = 0;
        return call("gssi_wrap_iov", &minor, world.initiator, 1, default_quality, no_int, parts.data(), 4);
    }
    OM_uint32 sign(Handles& world)
    {
        OM_uint32 minor = 0;
        return call("gssi_get_mic_iov", &minor, world.initiator, default_quality, parts.data(), 2);
    }

    std::array<char, 1000> data{}; // no string: memory is short when it is made
    std::array<gss_iov_buffer_desc, 4> parts{};
};

OM_uint32 open_iov(Handles& world)
{
    Iov iov(GSS_IOV_BUFFER_TYPE_HEADER);
    with_all_memory([&] { return iov.wrap(world); });
    OM_uint32 minor = 0;
    return call("gssi_unwrap_iov", &minor, world.acceptor, no_int, no_quality, iov.parts.data(), 4);
}

OM_uint32 verify_iov(Handles& world)
{
    Iov iov(GSS_IOV_BUFFER_TYPE_MIC_TOKEN);
    with_all_memory([&] { return iov.sign(world); });
    OM_uint32 minor = 0;
    return call("gssi_verify_mic_iov", &minor, world.acceptor, no_quality, iov.parts.data(), 2);
}

} // namespace

Rows message_rows()
{
    return {
        {"gss_get_mic",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(
                  call("gssi_get_mic", &minor, world.initiator, default_quality, world.message.get(), &token.buffer));
          }}},
        {"gss_verify_mic",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              return call("gssi_verify_mic", &minor, world.acceptor, world.message.get(), &world.mic.buffer,
                          no_quality);
          }}},
        {"gss_wrap",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_wrap", &minor, world.initiator, 1, default_quality, world.message.get(),
                                      no_int, &token.buffer));
          }}},
        {"gss_unwrap",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output opened;
              return opened.judge(call("gssi_unwrap", &minor, world.acceptor, &world.sealed.buffer, &opened.buffer,
                                       no_int, no_quality));
          }}},
        {"gss_wrap_size_limit",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              OM_uint32 size = 0;
              return call("gssi_wrap_size_limit", &minor, world.initiator, 1, default_quality, OM_uint32{1000}, &size);
          }}},
        {"gss_wrap_iov", {true, [](Handles& world) { return Iov(GSS_IOV_BUFFER_TYPE_HEADER).wrap(world); }}},
        {"gss_wrap_iov_length",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Iov iov(GSS_IOV_BUFFER_TYPE_HEADER);
              return call("gssi_wrap_iov_length", &minor, world.initiator, 1, default_quality, no_int, iov.parts.data(),
                          4);
          }}},
        {"gss_unwrap_iov", {true, open_iov}},
        {"gss_get_mic_iov", {true, [](Handles& world) { return Iov(GSS_IOV_BUFFER_TYPE_MIC_TOKEN).sign(world); }}},
        {"gss_get_mic_iov_length",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Iov iov(GSS_IOV_BUFFER_TYPE_MIC_TOKEN);
              return call("gssi_get_mic_iov_length", &minor, world.initiator, default_quality, iov.parts.data(), 2);
          }}},
        {"gss_verify_mic_iov", {true, verify_iov}},
        {"gss_wrap_aead",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output token;
              return token.judge(call("gssi_wrap_aead", &minor, world.initiator, 1, default_quality,
                                      world.associated.get(), world.message.get(), no_int, &token.buffer));
          }}},
        {"gss_unwrap_aead",
         {true,
          [](Handles& world) {
              OM_uint32 minor = 0;
              Output opened;
              return opened.judge(call("gssi_unwrap_aead", &minor, world.acceptor, &world.sealed_aead.buffer,
                                       world.associated.get(), &opened.buffer, no_int, no_quality));
          }}},
    };
}

} // namespace apex::test
