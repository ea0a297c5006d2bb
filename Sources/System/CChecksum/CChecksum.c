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
// The instruction takes three cycles and can begin one each cycle, so three strands side by side are three times as fast. Their states are
// joined by what so many zero bytes would do to one: a linear map, tabled by byte of the state.
#define STRAND 256
static uint32_t crc32c_shift[2][4][256];

__attribute__((target("sse4.2"), constructor)) static void fill_shifts(void) {
    // The order of constructors is nobody's to choose: the processor is asked once more.
    unsigned int a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_2) == 0) {
        return;
    }
    for (int strands = 1; strands <= 2; strands++) {
        uint32_t image[32];
        for (int bit = 0; bit < 32; bit++) {
            uint64_t state = 1u << bit;
            for (int word = 0; word < strands * STRAND / 8; word++) {
                state = _mm_crc32_u64(state, 0);
            }
            image[bit] = (uint32_t)state;
        }
        for (int place = 0; place < 4; place++) {
            for (uint32_t byte = 0; byte < 256; byte++) {
                uint32_t sum = 0;
                for (int bit = 0; bit < 8; bit++) {
                    if (byte >> bit & 1) {
                        sum ^= image[8 * place + bit];
                    }
                }
                crc32c_shift[strands - 1][place][byte] = sum;
            }
        }
    }
}

static uint64_t shifted(int strands, uint64_t state) {
    uint32_t(*table)[256] = crc32c_shift[strands - 1];
    return table[0][state & 0xff] ^ table[1][state >> 8 & 0xff] ^ table[2][state >> 16 & 0xff]
        ^ table[3][state >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint64_t state = (uint32_t)~crc;
    for (; count >= 3 * STRAND; count -= 3 * STRAND, next += 3 * STRAND) {
        uint64_t second = 0;
        uint64_t third = 0;
        for (size_t at = 0; at < STRAND; at += 8) {
            uint64_t words[3];
            memcpy(&words[0], next + at, 8);
            memcpy(&words[1], next + STRAND + at, 8);
            memcpy(&words[2], next + 2 * STRAND + at, 8);
            state = _mm_crc32_u64(state, words[0]);
            second = _mm_crc32_u64(second, words[1]);
            third = _mm_crc32_u64(third, words[2]);
        }
        state = shifted(2, state) ^ shifted(1, second) ^ third;
    }
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
