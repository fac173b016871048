/* A build without the console.  See assets.h. */
#include "api/assets.h"

const struct web_asset web_assets[1] = { { 0 } };
const uint32_t web_assets_count = 0;
