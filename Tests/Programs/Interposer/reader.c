// reader.c: a program that reads a store of LMDB from outside: it opens a snapshot, says so, and keeps it until it is killed.
//
//   reader DIRECTORY

#include <lmdb.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **words) {
    MDB_env *environment;
    MDB_txn *snapshot;
    if (count != 2 || mdb_env_create(&environment) != 0) return 2;
    if (mdb_env_open(environment, words[1], MDB_RDONLY, 0) != 0) return 3;
    if (mdb_txn_begin(environment, NULL, MDB_RDONLY, &snapshot) != 0) return 4;
    puts("reading");
    fflush(stdout);
    for (;;) pause();
}
