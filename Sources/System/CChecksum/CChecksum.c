// CChecksum: see the header. The tables are filled, and the processor is asked, once before main; after that all is
// read-only.

#include "CChecksum.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#endif

// The polynomials, bit-reflected.
#define CRC16_X25_POLYNOMIAL 0x8408u
#define CRC32C_POLYNOMIAL 0x82f63b78u

static uint16_t crc16_table[256];
// Table k gives the effect of a byte that is followed by k others, so that eight bytes are done in one step.
static uint32_t crc32c_tables[8][256];
static bool crc32c_hardware;

__attribute__((constructor)) static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t narrow = byte;
        uint32_t wide = byte;
        for (int bit = 0; bit < 8; bit++) {
            narrow = (narrow & 1) ? (narrow >> 1) ^ CRC16_X25_POLYNOMIAL : narrow >> 1;
            wide = (wide & 1) ? (wide >> 1) ^ CRC32C_POLYNOMIAL : wide >> 1;
        }
        crc16_table[byte] = (uint16_t)narrow;
        crc32c_tables[0][byte] = wide;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int following = 1; following < 8; following++) {
            uint32_t before = crc32c_tables[following - 1][byte];
            crc32c_tables[following][byte] = (before >> 8) ^ crc32c_tables[0][before & 0xff];
        }
    }
#if defined(__x86_64__)
    unsigned int a, b, c, d;
    crc32c_hardware = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_2) != 0;
#endif
}

uint16_t cchecksum_crc16_x25(uint16_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint16_t state = (uint16_t)~crc;
    for (; count > 0; count--) {
        state = (uint16_t)((state >> 8) ^ crc16_table[(state ^ *next++) & 0xff]);
    }
    return (uint16_t)~state;
}

uint32_t cchecksum_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint32_t state = ~crc;
    for (; count >= 8; count -= 8, next += 8) {
        state ^= (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 | (uint32_t)next[3] << 24;
        state = crc32c_tables[7][state & 0xff] ^ crc32c_tables[6][state >> 8 & 0xff]
            ^ crc32c_tables[5][state >> 16 & 0xff] ^ crc32c_tables[4][state >> 24]
            ^ crc32c_tables[3][next[4]] ^ crc32c_tables[2][next[5]]
            ^ crc32c_tables[1][next[6]] ^ crc32c_tables[0][next[7]];
    }
    for (; count > 0; count--) {
        state = (state >> 8) ^ crc32c_tables[0][(state ^ *next++) & 0xff];
    }
    return ~state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint64_t state = (uint32_t)~crc;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        state = _mm_crc32_u64(state, word);
    }
    uint32_t rest = (uint32_t)state;
    for (; count > 0; count--) {
        rest = _mm_crc32_u8(rest, *next++);
    }
    return ~rest;
}
#endif

uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (crc32c_hardware) {
        return crc32c_instruction(crc, bytes, count);
    }
#endif
    return cchecksum_crc32c_table(crc, bytes, count);
}

bool cchecksum_crc32c_is_hardware(void) {
    return crc32c_hardware;
}
