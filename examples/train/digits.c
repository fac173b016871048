#include "digits.h"

#include "maths.h"

/* What a draw is for: the second part of its key. */
enum { DRAW_ORDER = 1, DRAW_PICTURE = 1 << 20 };

static const uint8_t GLYPH[DIGIT_CLASSES][8] = {
    {0x00, 0x3c, 0x66, 0x42, 0x42, 0x66, 0x3c, 0x00},
    {0x00, 0x18, 0x38, 0x18, 0x18, 0x18, 0x3c, 0x00},
    {0x00, 0x3c, 0x46, 0x06, 0x1c, 0x30, 0x7e, 0x00},
    {0x00, 0x7c, 0x06, 0x1c, 0x06, 0x06, 0x7c, 0x00},
    {0x00, 0x0c, 0x1c, 0x34, 0x64, 0x7e, 0x04, 0x00},
    {0x00, 0x7e, 0x60, 0x7c, 0x06, 0x06, 0x7c, 0x00},
    {0x00, 0x1c, 0x30, 0x7c, 0x66, 0x66, 0x3c, 0x00},
    {0x00, 0x7e, 0x06, 0x0c, 0x18, 0x30, 0x30, 0x00},
    {0x00, 0x3c, 0x66, 0x3c, 0x66, 0x66, 0x3c, 0x00},
    {0x00, 0x3c, 0x66, 0x66, 0x3e, 0x0c, 0x38, 0x00},
};

static int ink(int label, int row, int column)
{
    if (row < 0 || row > 7 || column < 0 || column > 7)
        return 0;
    return GLYPH[label][row] >> (7 - column) & 1;
}

void digit_make(uint64_t seed, uint32_t number, struct digit *ret)
{
    uint64_t key = (uint64_t)DRAW_PICTURE + number;
    uint64_t shape = draw(seed, key, 0);
    ret->label = (int)(shape % DIGIT_CLASSES);
    int down = (int)(shape >> 8 & 3) - 1, right = (int)(shape >> 16 & 3) - 1;
    int slant = (int)(shape >> 24 & 1);
    float bright = 0.5f + draw_unit(seed, key, 1);
    for (int i = 0; i < DIGIT_PIXELS; i++) {
        int row = i / 8, column = i % 8;
        float x = (float)ink(ret->label, row - down, column - right + (slant ? row / 4 : 0));
        float noise = draw_unit(seed, key, (uint64_t)(2 + i));
        if (noise > 0.92f) /* a pixel that is lost or made up */
            x = 1 - x;
        ret->pixel[i] = bright * x + noise - 0.5f;
    }
}

uint32_t digit_order(uint64_t seed, uint64_t step, uint32_t i)
{
    return (uint32_t)(draw(seed, DRAW_ORDER, step << 16 | i) % DIGITS_TRAIN);
}
