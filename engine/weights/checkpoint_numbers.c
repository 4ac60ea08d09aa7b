/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The few numbers of small tensors that tell what a model is. */
#include "checkpoint.h"

#include <math.h>

enum { MOST_BYTES = 4096 };

static size_t read_numbers(const Safetensors *file, const SafetensorsEntry *entry, float *out, size_t most)
{
    unsigned char bytes[MOST_BYTES];
    EngineError   ignored = { 0 };
    if (entry->type > TYPE_F64)
        return 0;
    size_t each = (size_t)tensor_type_bits(entry->type) / 8;
    size_t count = (size_t)((entry->end - entry->begin) / each);
    count = count < most ? count : most;
    count = count < sizeof bytes / each ? count : sizeof bytes / each;
    if (count == 0 || !safetensors_read(file, entry, bytes, count * each, &ignored))
        return 0;
    Weight numbers = { .data = bytes, .type = entry->type, .shape = { (int)count, 1, 1, 1 } };
    weight_to_float(out, &numbers, 0, count);
    return count;
}

size_t checkpoint_numbers(const Checkpoint *checkpoint, CheckpointPart part, const char *name, float *out,
                          size_t most)
{
    const SafetensorsEntry *entry = checkpoint_entry(checkpoint, part, name);
    for (size_t i = 0; entry && i < checkpoint_file_count(checkpoint); i++)
        if (safetensors_find(checkpoint_file(checkpoint, i), entry->name) == entry)
            return read_numbers(checkpoint_file(checkpoint, i), entry, out, most);
    return 0;
}

size_t checkpoint_file_numbers(const Checkpoint *checkpoint, const char *name, float *out, size_t most)
{
    if (checkpoint_is_folder(checkpoint) || checkpoint_file_count(checkpoint) == 0)
        return 0;
    const Safetensors      *file = checkpoint_file(checkpoint, 0);
    const SafetensorsEntry *entry = safetensors_find(file, name);
    return entry ? read_numbers(file, entry, out, most) : 0;
}

bool checkpoint_read_scale(const SafetensorsEntry *scale, float *value, const char *path,
                           EngineError *error)
{
    uint64_t bytes = scale->end - scale->begin;
    Weight   number = { .data = scale->data, .type = scale->type, .shape = { 1, 1, 1, 1 } };
    if (scale->type > TYPE_F64 || bytes * 8 != (uint64_t)tensor_type_bits(scale->type))
        return fail(error, ENGINE_UNSUPPORTED,
                    "%s: tensor '%s' scales its weight by rows or blocks, which this engine does not compute "
                    "with; get the F16 version",
                    path, scale->name);
    *value = 0;
    if (!scale->data)
        return true;
    weight_to_float(value, &number, 0, 1);
    return (isfinite(*value) && *value != 0) ||
           fail(error, ENGINE_UNSUPPORTED, "%s: tensor '%s' is no number that a weight can be scaled by", path,
                scale->name);
}
