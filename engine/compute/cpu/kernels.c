/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

extern const Kernels kernels_reference, kernels_baseline;
#ifdef HAVE_X86_KERNELS
#include <cpuid.h>
extern const Kernels kernels_avx2, kernels_avx512;

/* clang 14 cannot be asked for f16c by __builtin_cpu_supports(). */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* All that engine/meson.build compiles the set for, and no more: on a processor that lacks one of
 * them the first such instruction ends the process. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

const Kernels *kernels_by_name(const char *name)
{
#ifdef HAVE_X86_KERNELS
    __builtin_cpu_init();
    if (strcmp(name, "avx512") == 0)
        return has_avx512() ? &kernels_avx512 : NULL;
    if (strcmp(name, "avx2") == 0)
        return has_avx2() ? &kernels_avx2 : NULL;
#endif
    if (strcmp(name, "baseline") == 0)
        return &kernels_baseline;
    if (strcmp(name, "reference") == 0)
        return &kernels_reference;
    return NULL;
}

/* A name that is unknown, or not for this processor, is as if none were given. */
const Kernels *kernels_best(void)
{
    const char    *asked = getenv("ENGINE_KERNELS");
    const Kernels *kernels = asked ? kernels_by_name(asked) : NULL;
    if (!kernels)
        kernels = kernels_by_name("avx512");
    if (!kernels)
        kernels = kernels_by_name("avx2");
    return kernels ? kernels : &kernels_baseline;
}

void weight_convert(const Kernels *kernels, float *out, const Weight *weight, size_t first,
                    size_t count)
{
    size_t               bytes = (size_t)tensor_type_bits(weight->type) / 8;
    const unsigned char *in = (const unsigned char *)weight->data + first * bytes;
    switch (weight->type) {
    case TYPE_F32:
        /* Not by assignment: in old files a tensor may begin at any byte. */
        memcpy(out, in, count * sizeof *out);
        break;
    case TYPE_F16:
        kernels->from_f16(out, in, count);
        break;
    case TYPE_BF16:
        kernels->from_bf16(out, in, count);
        break;
    case TYPE_F8_E4M3:
        kernels->from_f8_e4m3(out, in, count);
        break;
    case TYPE_F8_E5M2:
        kernels->from_f8_e5m2(out, in, count);
        break;
    case TYPE_F64:
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value, in + i * sizeof value, sizeof value);
            out[i] = (float)value;
        }
        break;
    default:
        assert(!"a type that the engine computes with");
    }
    /* Of weights in 8 bits that were divided by a scale to fit their range. */
    if (weight->scale != 0)
        for (size_t i = 0; i < count; i++)
            out[i] *= weight->scale;
}
