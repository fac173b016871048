#include "maths.h"

#include <string.h>

static uint64_t mix(uint64_t x) /* splitmix64's finisher */
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t draw(uint64_t seed, uint64_t what, uint64_t n)
{
    uint64_t x = mix(seed + UINT64_C(0x9e3779b97f4a7c15));
    x = mix(x ^ (what + UINT64_C(0x9e3779b97f4a7c15)));
    return mix(x ^ (n * UINT64_C(0x9e3779b97f4a7c15) + 1));
}

float draw_unit(uint64_t seed, uint64_t what, uint64_t n)
{
    return (float)(draw(seed, what, n) >> 40) * (1.0f / 16777216.0f);
}

static double two_to(int k)
{
    uint64_t bits = (uint64_t)(1023 + k) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double exp_negative(double x)
{
    if (!(x > -80))
        return 0;
    int k = (int)(x * 1.4426950408889634 - 0.5); /* nearest whole power of two */
    double r = x - k * 0.6931471805599453, sum = 1;
    for (int i = 13; i > 0; i--)
        sum = 1 + sum * r / i;
    return sum * two_to(k);
}

double log_above_one(double x)
{
    int k = 0;
    while (x > 1.5) {
        x *= 0.5;
        k++;
    }
    double t = (x - 1) / (x + 1), square = t * t, sum = 0;
    for (int i = 25; i > 0; i -= 2)
        sum = sum * square + 1.0 / i;
    return 2 * t * sum + k * 0.6931471805599453;
}

uint32_t crc32_of(uint32_t before, const void *data, size_t size)
{
    /* A nibble at a time: a table small enough to be seen to be right. */
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const unsigned char *p = data;
    uint32_t crc = ~before;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}
