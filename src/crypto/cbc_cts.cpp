// SPDX-License-Identifier: MIT
#include "crypto/cbc_cts.h"

#include <algorithm>
#include <cstring>

namespace apex {

namespace {

/// Cursor walks over the octets of a run. Pieces that touch each other in memory are seen as one.
class Cursor final {
public:
    Cursor(ByteSpan confounder, std::span<const Segment> segments) noexcept : piece_(confounder), rest_(segments)
    {
        gather();
    }

    /// What can be ciphered at once from here; empty only at the end of the run.
    [[nodiscard]] ByteSpan piece() const noexcept { return piece_; }

    void skip(std::size_t count) noexcept
    {
        while (count > 0) {
            const std::size_t step = std::min(count, piece_.size());
            piece_ = piece_.subspan(step);
            count -= step;
            gather();
        }
    }

    void read(ByteSpan target) noexcept
    {
        while (!target.empty()) {
            const std::size_t step = std::min(target.size(), piece_.size());
            std::memcpy(target.data(), piece_.data(), step);
            target = target.subspan(step);
            skip(step);
        }
    }

    void write(ByteView source) noexcept
    {
        while (!source.empty()) {
            const std::size_t step = std::min(source.size(), piece_.size());
            std::memcpy(piece_.data(), source.data(), step);
            source = source.subspan(step);
            skip(step);
        }
    }

private:
    void gather() noexcept
    {
        while (!rest_.empty()) {
            const Segment& next = rest_.front();
            if (next.role == Segment::Role::sealed && !next.octets.empty()) {
                if (piece_.empty()) {
                    piece_ = next.octets;
                } else if (piece_.data() + piece_.size() == next.octets.data()) {
                    piece_ = {piece_.data(), piece_.size() + next.octets.size()};
                } else {
                    return;
                }
            }
            rest_ = rest_.subspan(1);
        }
    }

    ByteSpan piece_;
    std::span<const Segment> rest_;
};

std::size_t length_of(ByteSpan confounder, std::span<const Segment> segments) noexcept
{
    std::size_t length = confounder.size();
    for (const Segment& segment : segments) {
        length += segment.role == Segment::Role::sealed ? segment.octets.size() : 0;
    }
    return length;
}

/// Where a run is cut: whole blocks in plain CBC, and at the end one block and the 1 to 16 octets behind it, which
/// change places. A run of one block is plain.
struct Parts final {
    std::size_t body;
    std::size_t tail;
};

Parts parts_of(std::size_t length) noexcept
{
    if (length == block_length) {
        return {length, 0};
    }
    const std::size_t tail = block_length + (length - 1) % block_length + 1;
    return {length - tail, tail};
}

using Tail = std::array<std::uint8_t, 2 * block_length>;

void cipher_body(CbcRun& run, Cursor& cursor, std::size_t length) noexcept
{
    while (length > 0) {
        const std::size_t whole = std::min(cursor.piece().size(), length) / block_length * block_length;
        if (whole > 0) {
            run.update(cursor.piece().first(whole));
            cursor.skip(whole);
            length -= whole;
            continue;
        }
        Block straddling;
        Cursor reader = cursor;
        reader.read(straddling);
        run.update(straddling);
        cursor.write(straddling);
        wipe(straddling);
        length -= block_length;
    }
}

Done wiped_unless_good(Done result, ByteSpan confounder, std::span<const Segment> segments)
{
    if (!result) {
        Cursor cursor(confounder, segments);
        for (; !cursor.piece().empty(); cursor.skip(cursor.piece().size())) {
            wipe(cursor.piece());
        }
    }
    return result;
}

void exclusive_or(ByteSpan target, ByteView mask) noexcept
{
    for (std::size_t i = 0; i < target.size(); ++i) {
        target[i] = static_cast<std::uint8_t>(target[i] ^ mask[i]);
    }
}

/// Undoes the stealing. `tail` holds C(n) | C(n-1) cut to `cut` octets; it becomes P(n-1) | P(n). `previous` is C(n-2).
void decrypt_tail(CbcRun& run, Tail& tail, std::size_t cut, const Block& previous) noexcept
{
    const ByteSpan front = ByteSpan(tail).first(block_length);
    const ByteSpan back = ByteSpan(tail).last(block_length);
    Block last_ciphertext;
    std::memcpy(last_ciphertext.data(), front.data(), block_length);

    // D(C(n)) is P(n), padded with zeros, xor C(n-1): its end is what was stolen from C(n-1), its front gives P(n).
    run.update(front);
    exclusive_or(front, previous);
    std::memcpy(back.data() + cut, front.data() + cut, block_length - cut);
    Block last_plaintext;
    std::memcpy(last_plaintext.data(), front.data(), block_length);
    exclusive_or(last_plaintext, back);

    // The context believes that C(n) came before C(n-1); it was C(n-2).
    run.update(back);
    exclusive_or(back, last_ciphertext);
    exclusive_or(back, previous);
    std::memcpy(front.data(), back.data(), block_length);
    std::memcpy(back.data(), last_plaintext.data(), block_length);
    wipe(last_plaintext);
}

} // namespace

Done cts_encrypt(const CbcKey& key, ByteSpan confounder, std::span<const Segment> segments)
{
    const std::size_t length = length_of(confounder, segments);
    if (length < block_length) {
        return refuse(Fault::CiphertextTooShort, std::to_string(length) + " octets, at least 16 needed");
    }
    const Parts parts = parts_of(length);
    Cursor cursor(confounder, segments);
    CbcRun run(key, Direction::encrypt);
    cipher_body(run, cursor, parts.body);
    if (parts.tail > 0) {
        Tail tail{};
        Cursor reader = cursor;
        reader.read(ByteSpan(tail).first(parts.tail));
        run.update(tail);
        cursor.write(ByteView(tail).last(block_length));
        cursor.write(ByteView(tail).first(parts.tail - block_length));
        wipe(tail);
    }
    return wiped_unless_good(run.finish(), confounder, segments);
}

Done cts_decrypt(const CbcKey& key, ByteSpan confounder, std::span<const Segment> segments)
{
    const std::size_t length = length_of(confounder, segments);
    if (length < block_length) {
        return refuse(Fault::CiphertextTooShort, std::to_string(length) + " octets, at least 16 needed");
    }
    const Parts parts = parts_of(length);
    Cursor cursor(confounder, segments);
    Block previous{};
    if (parts.tail > 0 && parts.body > 0) {
        Cursor reader = cursor;
        reader.skip(parts.body - block_length);
        reader.read(previous);
    }
    CbcRun run(key, Direction::decrypt);
    cipher_body(run, cursor, parts.body);
    if (parts.tail > 0) {
        Tail tail{};
        Cursor reader = cursor;
        reader.read(ByteSpan(tail).first(parts.tail));
        decrypt_tail(run, tail, parts.tail - block_length, previous);
        cursor.write(ByteView(tail).first(parts.tail));
        wipe(tail);
    }
    return wiped_unless_good(run.finish(), confounder, segments);
}

} // namespace apex
