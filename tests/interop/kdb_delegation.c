/* SPDX-License-Identifier: MIT */
/*
 * kdb_delegation: a database module of MIT's KDC for tests. It is the packaged db2 module, whose path is DB2_MODULE, with
 * two methods added that db2 lacks. What they answer stands in string attributes of the entries (kadmin's set_string):
 *
 *   delegation_from   of a service: the one principal that may act towards it in its clients' names (resource-based
 *                     constrained delegation, [MS-SFU] 3.2.5.2.2)
 *   certificate       of a user: the SHA-256 of her certificate in hexadecimal digits. The subject's common name says
 *                     whose entry is looked at (S4U2Self by certificate, [MS-SFU] 3.2.5.1.1)
 *
 * If db2 cannot be loaded, the version of the table stays 0, and the KDC refuses it.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <kdb.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#if KRB5_KDB_DAL_MAJOR_VERSION != 9
#error "this module knows version 9 of the database interface only"
#endif

#define HEX_SIZE (2 * EVP_MAX_MD_SIZE + 1)

extern kdb_vftabl kdb_function_table;
kdb_vftabl kdb_function_table;

/* True if the attribute of the entry is the text, whatever the case of its letters. */
static int attribute_is(krb5_context context, const krb5_db_entry *entry, const char *key, const char *text)
{
    char *value = NULL;
    int same;

    if (krb5_dbe_get_string(context, (krb5_db_entry *)entry, key, &value) != 0 || value == NULL)
        return 0;
    same = strcasecmp(value, text) == 0;
    krb5_dbe_free_string(context, value);
    return same;
}

static krb5_error_code allowed_to_delegate_from(krb5_context context, krb5_const_principal client,
                                                krb5_const_principal server, krb5_pac server_pac,
                                                const krb5_db_entry *proxy)
{
    char *name = NULL;
    int allowed;

    (void)client;
    /* Windows decides by the security identifiers in this PAC: without one nobody is allowed. */
    if (server_pac == NULL || krb5_unparse_name(context, server, &name) != 0)
        return KRB5KDC_ERR_BADOPTION;
    allowed = attribute_is(context, proxy, "delegation_from", name);
    krb5_free_unparsed_name(context, name);
    return allowed ? 0 : KRB5KDC_ERR_BADOPTION;
}

static int fingerprint(const krb5_data *certificate, char hex[HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length, i;

    if (!EVP_Digest(certificate->data, certificate->length, digest, &length, EVP_sha256(), NULL))
        return 0;
    for (i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return 1;
}

/* The subject's common name, as allocated UTF-8, or NULL where the octets are no certificate with one. */
static unsigned char *common_name(const krb5_data *certificate)
{
    const unsigned char *begin = (const unsigned char *)certificate->data, *at = begin;
    X509 *parsed = d2i_X509(NULL, &at, (long)certificate->length);
    unsigned char *name = NULL;
    int place;

    if (parsed == NULL)
        return NULL;
    place = X509_NAME_get_index_by_NID(X509_get_subject_name(parsed), NID_commonName, -1);
    if (place >= 0 && at == begin + certificate->length) {
        X509_NAME_ENTRY *entry = X509_NAME_get_entry(X509_get_subject_name(parsed), place);
        if (ASN1_STRING_to_UTF8(&name, X509_NAME_ENTRY_get_data(entry)) < 0)
            name = NULL;
    }
    X509_free(parsed);
    return name;
}

/* Gets the entry of a user of the realm who is called so, without a client of that name anywhere else. */
static krb5_error_code entry_of(krb5_context context, const krb5_data *realm, const char *name, unsigned int flags,
                                krb5_db_entry **entry)
{
    krb5_principal user = NULL;
    krb5_error_code code;

    code = krb5_build_principal(context, &user, realm->length, realm->data, name, (char *)NULL);
    if (code == 0)
        code = kdb_function_table.get_principal(context, user, flags, entry);
    krb5_free_principal(context, user);
    return code;
}

static krb5_error_code get_s4u_x509_principal(krb5_context context, const krb5_data *certificate,
                                              krb5_const_principal asked, unsigned int flags, krb5_db_entry **found)
{
    unsigned char *name = common_name(certificate);
    krb5_db_entry *entry = NULL;
    char hex[HEX_SIZE];
    krb5_error_code code;

    if (name == NULL)
        return KRB5KDC_ERR_INVALID_CERTIFICATE;
    code = entry_of(context, &asked->realm, (const char *)name, flags, &entry);
    OPENSSL_free(name);
    if (code != 0)
        return code;
    if (!fingerprint(certificate, hex) || !attribute_is(context, entry, "certificate", hex))
        code = KRB5_KDB_NOENTRY;
    else if (!(flags & KRB5_KDB_FLAG_REFERRAL_OK) && asked->length > 0 &&
             !krb5_principal_compare(context, asked, entry->princ))
        code = KRB5KDC_ERR_CLIENT_NAME_MISMATCH;
    if (code != 0) {
        krb5_db_free_principal(context, entry);
        return code;
    }
    *found = entry;
    return 0;
}

__attribute__((constructor)) static void complete_db2(void)
{
    void *db2 = dlopen(DB2_MODULE, RTLD_NOW | RTLD_LOCAL);
    const kdb_vftabl *table = db2 != NULL ? dlsym(db2, "kdb_function_table") : NULL;

    if (table == NULL || table->maj_ver != KRB5_KDB_DAL_MAJOR_VERSION)
        return;
    kdb_function_table = *table;
    kdb_function_table.allowed_to_delegate_from = allowed_to_delegate_from;
    kdb_function_table.get_s4u_x509_principal = get_s4u_x509_principal;
}
