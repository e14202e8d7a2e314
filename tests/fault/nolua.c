/*
 * nolua.so - with LD_PRELOAD, a process that starts Lua or opens an archive ends at once: those
 * belong into processes without keys. tests/functional/test_kms_memory.py.
 */
#include <stddef.h>
#include <stdlib.h>

void *lua_newstate(void *alloc, void *user);
void *luaL_newstate(void);
void *archive_read_new(void);

void *
lua_newstate(void *alloc, void *user)
{
    (void)alloc;
    (void)user;
    abort();
}

void *
luaL_newstate(void)
{
    abort();
}

void *
archive_read_new(void)
{
    abort();
}
