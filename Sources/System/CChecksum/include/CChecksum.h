// CChecksum: the two cyclic redundancy checks of the Bundle Protocol (RFC 9171, 4.2.1). Pure functions without state;
// they may be called on any thread and cannot fail.
//
// Every function continues a checksum: pass 0 to begin, and the last result to go on with the bytes that follow.

#ifndef CCHECKSUM_H
#define CCHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// CRC-16/X-25.
uint16_t cchecksum_crc16_x25(uint16_t crc, const void *bytes, size_t count);

/// CRC-32C (Castagnoli), by the processor's instruction where it has one, else by table.
uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count);

/// CRC-32C by table; what processors without the instruction run.
uint32_t cchecksum_crc32c_table(uint32_t crc, const void *bytes, size_t count);

/// True when `cchecksum_crc32c` uses the processor's instruction.
bool cchecksum_crc32c_is_hardware(void);

#endif
