/* rolling: the whole of what may happen while workers are replaced, walked step by step. */
#include "config.h"

#include <criterion/criterion.h>
#include <string.h>

#include "core/rolling.h"
