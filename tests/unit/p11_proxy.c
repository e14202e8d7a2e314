/*
 * p11_proxy.so - a PKCS#11 module for tests: the real one (REDOUBT_P11_REAL), but for the fault
 * that REDOUBT_P11_FAULT names. Each C_Login adds a letter to the file REDOUBT_P11_LOG.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real, mine;

static int
fault_is(const char *name)
{
    const char *fault = getenv("REDOUBT_P11_FAULT");
    return fault != NULL && strcmp(fault, name) == 0;
}

static void
misbehave(const char *where)
{
    char name[64];
    snprintf(name, sizeof name, "abort-%s", where);
    if (fault_is(name))
        abort();
    snprintf(name, sizeof name, "exit-%s", where);
    if (fault_is(name))
        _exit(0);
    snprintf(name, sizeof name, "hang-%s", where);
    while (fault_is(name))
        pause();
    snprintf(name, sizeof name, "spin-%s", where);
    for (volatile int on = fault_is(name); on;)
        continue;
}

static CK_RV
log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
    const char *path = getenv("REDOUBT_P11_LOG");
    FILE *log = path == NULL ? NULL : fopen(path, "ae");
    if (log != NULL) {
        fputc('L', log);
        fclose(log);
    }
    misbehave("login");
    if (fault_is("locked"))
        return CKR_PIN_LOCKED;
    if (fault_is("strange"))
        return 0x8badf00d;
    return real->C_Login(session, user, pin, n);
}

static CK_RV
token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    if (fault_is("final-try"))
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (fault_is("pin-locked"))
        info->flags |= CKF_USER_PIN_LOCKED;
    return rv;
}

/* One token in two slots. */
static CK_RV
slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
    CK_ULONG room = *n;
    CK_RV rv = real->C_GetSlotList(present, slots, n);
    if (fault_is("twins") && rv == CKR_OK && slots != NULL && *n != 0 && *n < room) {
        slots[*n] = slots[0];
        ++*n;
    }
    return rv;
}

static CK_RV
attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *like, CK_ULONG n)
{
    CK_RV rv = real->C_GetAttributeValue(session, key, like, n);
    if (fault_is("extractable") && n == 1 && like->type == CKA_EXTRACTABLE)
        *(CK_BBOOL *)like->pValue = CK_TRUE;
    if (fault_is("silent") && n == 1 && like->type == CKA_EXTRACTABLE)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    return rv;
}

static CK_RV
mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    int gone = (type == CKM_RSA_PKCS_OAEP && (fault_is("no-oaep") || fault_is("only-wrap"))) ||
               (type == CKM_AES_GCM && fault_is("only-wrap")) || fault_is("no-mechanism");
    return gone ? CKR_MECHANISM_INVALID : real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV
decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_n)
{
    misbehave("decrypt");
    CK_RV rv = real->C_Decrypt(session, in, n, out, out_n);
    if (fault_is("lie"))
        out[0] ^= 1;
    if (fault_is("short"))
        --*out_n;
    return rv;
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    CK_C_GetFunctionList get = NULL;
    misbehave("load");
    void *module = dlopen(getenv("REDOUBT_P11_REAL"), RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        return CKR_GENERAL_ERROR;
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    mine = *real;
    mine.C_Login = log_in;
    mine.C_GetTokenInfo = token_info;
    mine.C_GetSlotList = slot_list;
    mine.C_GetAttributeValue = attribute_value;
    mine.C_GetMechanismInfo = mechanism_info;
    mine.C_Decrypt = decrypt;
    *out = &mine;
    return CKR_OK;
}
