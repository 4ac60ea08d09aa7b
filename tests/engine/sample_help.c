/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample_help.h"
#include "files/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const SafetensorsEntry *find(const char *name, TensorType type)
{
    static Safetensors *file;
    EngineError         error = { 0 };
    char                path[1024];
    const char         *folder = getenv("TEST_DATA");
    snprintf(path, sizeof path, "%s/golden/sample.safetensors", folder ? folder : "tests");
    if (!file)
        file = safetensors_open(path, &error);
    const SafetensorsEntry *entry = file ? safetensors_find(file, name) : NULL;
    if (!entry || entry->type != type || (uintptr_t)entry->data % (type == TYPE_F64 ? 8 : 4) != 0) {
        fprintf(stderr, "golden '%s': %s\n", name,
                file ? "is not there, of another type or not aligned" : error.message);
        exit(1);
    }
    return entry;
}

const float *golden_floats(const char *name, size_t count)
{
    const SafetensorsEntry *entry = find(name, TYPE_F32);
    if (entry->end - entry->begin != count * sizeof(float)) {
        fprintf(stderr, "golden '%s' has another size\n", name);
        exit(1);
    }
    return entry->data;
}

const double *golden_doubles(const char *name, size_t *count)
{
    const SafetensorsEntry *entry = find(name, TYPE_F64);
    *count = (size_t)(entry->end - entry->begin) / sizeof(double);
    return entry->data;
}

void tiny_network(float *y, const float *x, int c, int plane, float time, int prompt,
                  const float *beyond, int beyond_planes)
{
    double share = (double)time / 999;
    for (int channel = 0; channel < c; channel++)
        for (int i = 0; i < plane; i++) {
            double here = (double)x[channel * plane + i], other = 0;
            double next = (double)x[(channel + 1) % c * plane + i];
            for (int k = 0; k < beyond_planes; k++)
                other += 0.3 * (double)beyond[k * plane + i];
            y[channel * plane + i] =
                (float)((0.25 + 0.7 * share) * here +
                        0.1 * sin(0.8 * next + 0.9 * channel + 2.3 * prompt + 3 * share) +
                        0.1 * cos(here + other));
        }
}

void standard_levels(NoiseLevels *levels, Prediction predicts, bool zero_terminal_snr)
{
    Parametrisation of = parametrisation_default();
    of.predicts = predicts;
    of.zero_terminal_snr = zero_terminal_snr;
    noise_levels_init(levels, &of);
}
