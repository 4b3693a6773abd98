/* SPDX-License-Identifier: MIT */
/* The answer that gss_peer is building: one JSON object and one buffer. Included once, by gss_peer.c. */
#ifndef APEX_INTEROP_ANSWER_H
#define APEX_INTEROP_ANSWER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gssapi/gssapi.h>

struct text {
    char *data;
    size_t length;
};

static struct text json;
static gss_buffer_desc answer;

static void die(const char *why)
{
    fprintf(stderr, "gss_peer: %s\n", why);
    exit(2);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size == 0 ? 1 : size);
    if (memory == NULL)
        die("out of memory");
    return memory;
}

static void append(const char *data, size_t length)
{
    char *grown = realloc(json.data, json.length + length + 1);
    if (grown == NULL)
        die("out of memory");
    json.data = grown;
    memcpy(json.data + json.length, data, length);
    json.length += length;
    json.data[json.length] = '\0';
}

static void key(const char *name)
{
    append(json.length > 1 ? ",\"" : "\"", json.length > 1 ? 2 : 1);
    append(name, strlen(name));
    append("\":", 2);
}

static void put_text(const char *name, const void *data, size_t length)
{
    const unsigned char *octets = data;
    char escaped[8];
    key(name);
    append("\"", 1);
    for (size_t i = 0; i < length; i++) {
        if (octets[i] < 0x20 || octets[i] == '"' || octets[i] == '\\' || octets[i] >= 0x7f) {
            int n = snprintf(escaped, sizeof escaped, "\\u%04x", octets[i]);
            append(escaped, (size_t)n);
        } else {
            append((const char *)&octets[i], 1);
        }
    }
    append("\"", 1);
}

static void put_string(const char *name, const char *value)
{
    put_text(name, value, strlen(value));
}

static void put_number(const char *name, long long value)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", value);
    key(name);
    append(digits, (size_t)n);
}

static void put_truth(const char *name, int value)
{
    key(name);
    append(value ? "true" : "false", value ? 4 : 5);
}

static const char *error_name(OM_uint32 major)
{
    static const char *const routine[] = {
        "COMPLETE", "BAD_MECH", "BAD_NAME", "BAD_NAMETYPE", "BAD_BINDINGS", "BAD_STATUS", "BAD_MIC", "NO_CRED",
        "NO_CONTEXT", "DEFECTIVE_TOKEN", "DEFECTIVE_CREDENTIAL", "CREDENTIALS_EXPIRED", "CONTEXT_EXPIRED", "FAILURE",
        "BAD_QOP", "UNAUTHORIZED", "UNAVAILABLE", "DUPLICATE_ELEMENT", "NAME_NOT_MN", "BAD_MECH_ATTR",
    };
    OM_uint32 number = (major >> 16) & 0xff;
    if (major >> 24 != 0)
        return "CALLING_ERROR";
    if (number >= sizeof routine / sizeof routine[0])
        return "UNKNOWN";
    if (number == 0 && (major & GSS_S_CONTINUE_NEEDED))
        return "CONTINUE_NEEDED";
    if (number == 0 && (major & 0xffff) != 0)
        return "SUPPLEMENTARY";
    return routine[number];
}

static void put_status_text(const char *name, OM_uint32 status, int type, gss_OID mech)
{
    OM_uint32 minor, more = 0;
    char joined[2048] = "";
    do {
        gss_buffer_desc message = GSS_C_EMPTY_BUFFER;
        if (GSS_ERROR(gss_display_status(&minor, status, type, mech, &more, &message)))
            break;
        if (joined[0] != '\0')
            strncat(joined, "; ", sizeof joined - strlen(joined) - 1);
        size_t room = sizeof joined - strlen(joined) - 1;
        strncat(joined, message.value, message.length < room ? message.length : room);
        gss_release_buffer(&minor, &message);
    } while (more != 0);
    put_string(name, joined);
}

static void put_status_of(gss_OID mech, const char *call, OM_uint32 major, OM_uint32 minor)
{
    put_string("call", call);
    put_number("major", major);
    put_string("error", error_name(major));
    put_number("supplementary", major & 0xffff);
    put_number("minor", minor);
    if (GSS_ERROR(major)) {
        put_status_text("major_text", major, GSS_C_GSS_CODE, mech);
        put_status_text("minor_text", minor, GSS_C_MECH_CODE, mech);
    }
}

static void put_name(const char *label, gss_name_t name)
{
    OM_uint32 minor;
    gss_buffer_desc shown = GSS_C_EMPTY_BUFFER;
    if (name == GSS_C_NO_NAME)
        return;
    if (GSS_ERROR(gss_display_name(&minor, name, &shown, NULL)))
        put_string(label, "<gss_display_name failed>");
    else
        put_text(label, shown.value, shown.length);
    gss_release_buffer(&minor, &shown);
}

static int apex_is_mapped(void)
{
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL)
        die("cannot read /proc/self/maps");
    while (!found && fgets(line, sizeof line, maps) != NULL)
        found = strstr(line, "mech_apex") != NULL;
    fclose(maps);
    return found;
}

static uint32_t read_length(const unsigned char *octets)
{
    return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static void write_part(const void *data, size_t length)
{
    unsigned char head[4] = { (unsigned char)(length >> 24), (unsigned char)(length >> 16),
                              (unsigned char)(length >> 8), (unsigned char)length };
    if (fwrite(head, 1, 4, stdout) != 4 || (length > 0 && fwrite(data, 1, length, stdout) != length))
        die("cannot write");
}

#endif
