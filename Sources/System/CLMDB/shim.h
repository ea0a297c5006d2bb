// CLMDB: the system's LMDB (liblmdb-dev, 0.9.24 on Debian 12) as a Clang module. Only what Swift cannot import is here.

#ifndef CLMDB_SHIM_H
#define CLMDB_SHIM_H

#include <lmdb.h>

// The numbers that LMDB gives to the two tables that every environment has. lmdb.h does not name them; the ABI of 0.9
// fixes them, and LMDB's own mdb_stat relies on the first.
enum {
    CLMDB_FREE_LIST = 0,
    CLMDB_MAIN = 1,
};

#endif
