/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device: memory that only it can look into, and the operations that it carries out there.
 *
 * What the networks call (layers.h) makes an Operation of its arguments and hands it to the device,
 * with the scratch that the device said it would need.  Nothing above this folder knows which device
 * that is: compute/cpu/ is one, the dry run (dry.h) another, which knows the first one's needs and
 * does nothing.  docs/architecture.md, "To add a device". */
#pragma once

#include "../base/error.h"
#include "tensor.h"
#include "threads.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- what operations are given ----------------------------------------------------------- */

typedef enum { ACTIVATION_NONE, ACTIVATION_SILU, ACTIVATION_GELU, ACTIVATION_QUICK_GELU,
               ACTIVATION_RELU, ACTIVATION_TANH } Activation;

typedef struct {
    Weight weight; /* [out, in]; also a 1x1 convolution's [out, in, 1, 1] */
    Weight bias;   /* [out]; data NULL: none */
} Linear;

typedef struct {
    Weight weight; /* [out, in, k, k], k 1 or 3 */
    Weight bias;   /* [out]; data NULL: none */
} Conv;

typedef struct {
    Weight gain, bias; /* [c] */
} Norm;

typedef struct {
    int   stride;                /* 1 or 2 */
    bool  pad_right_bottom_only; /* stride 2 of SD's VAE encoder: (0,1,0,1), not (1,1,1,1) */
    bool  upsample;              /* the input is doubled by nearest neighbour first, not stored */
    int   out_h, out_w;          /* with upsample: size to reach (skip's size), 0: twice */
    bool  wrap_x, wrap_y;        /* circular padding */
    bool  accumulate;            /* y += instead of y = */
    Tensor scale, shift;         /* [n, in] or n 0: x * scale + shift is what is convolved, i.e. a
                                  * group norm prepared by group_norm_prepare() */
    Activation before;           /* applied after scale and shift */
    Tensor channel_add;          /* [n, out] or n 0: added to y, e.g. the time embedding */
} ConvSettings;

/* One summand of combine(). */
typedef struct {
    double factor;
    Tensor x;
} Term;

enum { COMBINE_MAX_TERMS = 4 };

/* A function of one number and two constants, in float. */
typedef enum {
    MAP_MULTIPLY,   /* a x */
    MAP_DIVIDE,     /* x / a */
    MAP_LINEAR,     /* a x + b */
    MAP_SOFT_BOUND, /* a tanh(x / a) */
} Map;

typedef void (*UploadFill)(void *user, float *host);
typedef void (*ReadTake)(void *user, const float *host);

/* ---- operations ---------------------------------------------------------------------------- */

/* layers.h says of the function of the same name what each one computes.  Shapes have been checked
 * there.  Pointers are the caller's and good for the length of the call only. */
typedef enum {
    OPERATION_LINEAR,
    OPERATION_LINEAR_TRANSPOSED,
    OPERATION_CONV2D,
    OPERATION_GROUP_NORM_PREPARE,
    OPERATION_AFFINE,
    OPERATION_LAYER_NORM,
    OPERATION_ACTIVATE,
    OPERATION_GEGLU,
    OPERATION_ADD,
    OPERATION_ATTENTION,
    OPERATION_IMAGE_TO_TOKENS,
    OPERATION_TOKENS_TO_IMAGE,
    OPERATION_COPY,
    OPERATION_FILL,
    OPERATION_MAP,
    OPERATION_MULTIPLY_ROWS,
    OPERATION_COMBINE,
    OPERATION_ADD_DIFFERENCE,
    OPERATION_KEEP_KNOWN,
    OPERATION_EMBED_TOKENS,
    OPERATION_EMBED_NUMBERS,
    OPERATION_MEAN,
    OPERATION_DEVIATION,
    OPERATION_ALL_FINITE,
    OPERATION_UPLOAD,
    OPERATION_READ,
    OPERATION_COUNT
} OperationKind;

typedef struct {
    OperationKind kind;
    Tensor        y; /* written, or changed in place; n 0 of those that only look */
    Tensor        x; /* read; n 0 of those that only write */
    union {
        struct {
            const Linear *layer;
            bool          accumulate;
        } linear; /* also transposed */
        struct {
            const Conv         *layer;
            const ConvSettings *settings;
        } conv2d;
        struct {
            Tensor      shift; /* y is scale */
            const Norm *norm;
            int         groups;
            float       eps;
        } group_norm;
        struct {
            Tensor     scale, shift;
            Activation activation;
        } affine; /* also activate, without scale and shift */
        struct {
            const Norm *norm;
            float       eps;
        } layer_norm;
        struct {
            Tensor k, v; /* x is q */
            int    heads;
            bool   causal;
        } attention;
        bool  accumulate; /* tokens_to_image */
        float value;      /* fill */
        struct {
            Map   function;
            float a, b;
        } map;
        const float *factors; /* multiply_rows: [rows] */
        struct {
            Term terms[COMBINE_MAX_TERMS];
            int  count;
        } combine;
        struct {
            Tensor z;
            double factor;
        } difference;
        struct {
            Tensor mask, source, noise;
            double threshold, amount;
        } known;
        struct {
            const int    *tokens;
            const Weight *table, *positions;
        } embed_tokens;
        struct {
            const double *numbers;
            bool          rounded;
        } embed_numbers;
        double *number; /* mean, deviation: the answer */
        bool   *truth;  /* all_finite: the answer */
        struct {
            UploadFill fill;
            void      *user;
        } upload;
        struct {
            ReadTake take;
            void    *user;
        } read;
    };
} Operation;

/* ---- devices --------------------------------------------------------------------------------- */

struct Compute;

/* A place in a device's memory. */
typedef struct {
    DeviceMemory *memory;
    size_t        offset; /* bytes */
} DevicePiece;

typedef struct Device Device;
struct Device {
    const char *name;      /* for people: "cpu, avx512" */
    size_t      alignment; /* bytes, a power of two: where in its memory a tensor may begin */
    bool        rehearses; /* the dry run: nothing is computed, and memory has no end */

    /* Memory of `bytes`; false when there is not that much.  The only function that can fail. */
    bool (*memory_create)(const Device *device, DeviceMemory **memory, size_t bytes);
    void (*memory_destroy)(const Device *device, DeviceMemory *memory, size_t bytes);
    /* May be NULL.  Told what of its memory is in use, for tools that watch (ASan). */
    void (*memory_used)(const Device *device, DeviceMemory *memory, size_t offset, size_t bytes,
                        bool used);

    /* Bytes that run() will want beside the tensors; depends on shapes and types only. */
    size_t (*scratch)(const Device *device, const Operation *operation);
    /* Carries it out, or queues it behind those before: what reads (mean, deviation, all_finite,
     * read) waits.  scratch is the operation's until the next one may begin.  May end early, its
     * output undefined, once compute_stopped(); polls by compute_goes_on(). */
    void (*run)(const Device *device, struct Compute *compute, const Operation *operation,
                DevicePiece scratch);

    void (*destroy)(Device *device); /* of one that a device_create_…() made */
};

/* The processor: its loops are the fastest that it can run, or those that $ENGINE_KERNELS names.
 * Threads are borrowed.  NULL when there is no memory. */
Device *device_create_cpu(Threads *threads, EngineError *error);
void    device_destroy(Device *device); /* NULL is fine */
