/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The face: shapes are checked, work is counted and scratch is taken here, the same for all devices. */
#include "layers.h"

#include <assert.h>
#include <string.h>

bool compute_dry(const Compute *compute)
{
    return compute->scratch->device->rehearses;
}

/* Relaxed, because nothing is read on the strength of it: whatever was computed is thrown away. */
bool compute_stopped(const Compute *compute)
{
    return compute->stop && atomic_load_explicit(compute->stop, memory_order_relaxed);
}

/* poll() may run a main loop of the caller's, which has to be on the thread that called the engine:
 * that is why only worker 0 asks. The others learn of a stop by the flag that they share. */
bool compute_goes_on(Compute *compute, int worker)
{
    if (worker == 0 && compute->poll && !compute->poll(compute->poll_user) && compute->stop)
        atomic_store(compute->stop, true);
    return !compute_stopped(compute);
}

Tensor tensor_new(Compute *compute, ArenaEnd end, int n, int c, int h, int w)
{
    /* Made without a place first, because its bytes say how large the place must be. */
    Tensor      y = tensor_at(NULL, 0, TYPE_F32, n, c, h, w);
    DevicePiece piece = arena_take(compute->scratch, end, tensor_bytes(y));
    y.memory = piece.memory;
    y.offset = piece.offset;
    return y;
}

/* Scratch always lies at the low end, above whatever the network holds there. */
static void perform(Compute *compute, const Operation *operation)
{
    const Device *device = compute->scratch->device;
    ArenaMark     mark = arena_mark(compute->scratch);
    size_t        bytes = device->scratch(device, operation);
    DevicePiece   scratch = { 0 };
    if (bytes > 0)
        scratch = arena_take(compute->scratch, ARENA_LOW, bytes);
    device->run(device, compute, operation, scratch);
    arena_rewind(compute->scratch, mark);
}

/* Rows of a tensor, whatever its leading dimensions are. */
static size_t row_count(Tensor x)
{
    return (size_t)x.n * (size_t)x.c * (size_t)x.h;
}

/* ---- layers -------------------------------------------------------------------------------- */

/* Rows fit an int because tiles, parallel_for() and BLAS count in ints. Of a 1x1 convolution, whose
 * weight is [out, in, 1, 1], a linear layer takes the same numbers. */
static void check_linear(Tensor y, Tensor x, const Linear *layer, int in, int out)
{
    (void)y, (void)x, (void)in, (void)out, (void)layer; /* where asserts are off */
    assert(tensor_is_whole(y) && tensor_is_whole(x) && row_count(y) == row_count(x));
    assert(x.w == in && y.w == out && row_count(y) <= INT32_MAX);
    assert(layer->weight.shape[2] == 1 && layer->weight.shape[3] == 1);
    assert(!layer->bias.data || weight_count(&layer->bias) == (size_t)out);
}

void linear(Compute *compute, Tensor y, Tensor x, const Linear *layer, bool accumulate)
{
    check_linear(y, x, layer, layer->weight.shape[1], layer->weight.shape[0]);
    /* A multiplication and an addition for each weight and row. */
    compute->flops += 2.0 * (double)row_count(x) * x.w * y.w;
    perform(compute, &(Operation){ .kind = OPERATION_LINEAR, .y = y, .x = x,
                                   .linear = { layer, accumulate } });
}

/* Not counted as work: it has few rows, and next to a text encoder it is nothing. */
void linear_transposed(Compute *compute, Tensor y, Tensor x, const Linear *layer)
{
    check_linear(y, x, layer, layer->weight.shape[0], layer->weight.shape[1]);
    assert(!layer->bias.data);
    perform(compute, &(Operation){ .kind = OPERATION_LINEAR_TRANSPOSED, .y = y, .x = x,
                                   .linear = { layer, false } });
}

/* The size of y is torch's: (size + padding - k) / stride + 1, rounded down. `extra` is the padding
 * of both sides together; a picture that is doubled first counts with its doubled size. */
static void check_conv(Tensor y, Tensor x, const Conv *layer, const ConvSettings *settings)
{
    const Weight *weight = &layer->weight;
    int           k = weight->shape[2], full_h = x.h, full_w = x.w;
    int           extra = k == 1 ? 0 : settings->pad_right_bottom_only ? 1 : 2;
    if (settings->upsample) {
        full_h = settings->out_h ? settings->out_h : 2 * x.h;
        full_w = settings->out_w ? settings->out_w : 2 * x.w;
    }
    (void)y, (void)full_h, (void)full_w, (void)extra; /* where asserts are off */
    assert(tensor_is_whole(y) && tensor_is_whole(x));
    assert(weight->shape[0] == y.c && weight->shape[1] == x.c && y.n == x.n);
    assert(k == weight->shape[3] && (k == 1 || k == 3));
    assert(settings->stride == 1 || settings->stride == 2);
    assert(!layer->bias.data || weight_count(&layer->bias) == (size_t)y.c);
    assert(y.h == (full_h + extra - k) / settings->stride + 1);
    assert(y.w == (full_w + extra - k) / settings->stride + 1);
    /* One plane fits an int: a 1x1 convolution hands it to the product as the distance of two
     * rows. */
    assert((size_t)y.h * (size_t)y.w <= INT32_MAX && (size_t)x.h * (size_t)x.w <= INT32_MAX);
    assert(settings->scale.n == 0 || tensor_count(settings->scale) == (size_t)x.n * (size_t)x.c);
    assert(settings->shift.n == 0 || tensor_count(settings->shift) == (size_t)x.n * (size_t)x.c);
    assert(settings->channel_add.n == 0 ||
           tensor_count(settings->channel_add) == (size_t)y.n * (size_t)y.c);
}

void conv2d(Compute *compute, Tensor y, Tensor x, const Conv *layer, const ConvSettings *settings)
{
    int k = layer->weight.shape[2];
    check_conv(y, x, layer, settings);
    /* What plain sums take, also where a device finds a shorter way (Winograd), so that an estimate
     * and a bar mean the same on all of them. */
    compute->flops += 2.0 * (double)tensor_count(y) * x.c * k * k;
    perform(compute, &(Operation){ .kind = OPERATION_CONV2D, .y = y, .x = x,
                                   .conv2d = { layer, settings } });
}

/* Two numbers a channel instead of a picture: the convolution that follows applies them while it
 * reads x, so the normalised picture is never stored. */
void group_norm_prepare(Compute *compute, Tensor scale, Tensor shift, Tensor x, const Norm *norm,
                        int groups, float eps)
{
    assert(groups > 0 && x.c % groups == 0 && weight_count(&norm->gain) == (size_t)x.c &&
           weight_count(&norm->bias) == (size_t)x.c);
    assert(tensor_is_whole(x) && tensor_is_whole(scale) && tensor_is_whole(shift));
    assert(tensor_count(scale) == (size_t)x.n * (size_t)x.c);
    assert(tensor_count(shift) == (size_t)x.n * (size_t)x.c);
    perform(compute, &(Operation){ .kind = OPERATION_GROUP_NORM_PREPARE, .y = scale, .x = x,
                                   .group_norm = { shift, norm, groups, eps } });
}

void affine(Compute *compute, Tensor y, Tensor x, Tensor scale, Tensor shift, Activation activation)
{
    assert(tensor_same_shape(y, x) && tensor_is_whole(y) && tensor_is_whole(x));
    assert(tensor_count(scale) == (size_t)x.n * (size_t)x.c);
    assert(tensor_count(shift) == (size_t)x.n * (size_t)x.c);
    perform(compute, &(Operation){ .kind = OPERATION_AFFINE, .y = y, .x = x,
                                   .affine = { scale, shift, activation } });
}

void layer_norm(Compute *compute, Tensor y, Tensor x, const Norm *norm, float eps)
{
    assert(tensor_same_shape(y, x) && tensor_is_whole(y) && tensor_is_whole(x));
    assert(weight_count(&norm->gain) == (size_t)x.w && weight_count(&norm->bias) == (size_t)x.w);
    perform(compute, &(Operation){ .kind = OPERATION_LAYER_NORM, .y = y, .x = x,
                                   .layer_norm = { norm, eps } });
}

void activate(Compute *compute, Tensor y, Tensor x, Activation activation)
{
    assert(tensor_same_shape(y, x) && tensor_is_whole(y) && tensor_is_whole(x));
    perform(compute, &(Operation){ .kind = OPERATION_ACTIVATE, .y = y, .x = x,
                                   .affine = { .activation = activation } });
}

void geglu(Compute *compute, Tensor y, Tensor x)
{
    assert(tensor_is_whole(y) && tensor_is_whole(x));
    assert(row_count(y) == row_count(x) && x.w == 2 * y.w);
    perform(compute, &(Operation){ .kind = OPERATION_GEGLU, .y = y, .x = x });
}

void add(Compute *compute, Tensor y, Tensor x)
{
    assert(tensor_same_shape(y, x) && tensor_is_whole(y) && tensor_is_whole(x));
    perform(compute, &(Operation){ .kind = OPERATION_ADD, .y = y, .x = x });
}

/* One item at a time, since a batch has its own keys for each. k and v have one distance between
 * rows, because the kernel walks them together; where it is causal each query finds its own key. */
void attention(Compute *compute, Tensor y, Tensor q, Tensor k, Tensor v, int heads, bool causal)
{
    assert(y.n == 1 && y.c == 1 && tensor_is_whole(y) && tensor_same_shape(y, q));
    assert(k.n == 1 && k.c == 1 && tensor_same_shape(k, v) && k.w == y.w && k.row == v.row);
    assert(heads > 0 && y.w % heads == 0 && (!causal || k.h >= y.h));
    /* Twice tq * tk * d products, for the scores and for the values; what a causal one leaves out
     * is not subtracted, token counts being small there. */
    compute->flops += 4.0 * y.h * k.h * y.w;
    perform(compute, &(Operation){ .kind = OPERATION_ATTENTION, .y = y, .x = q,
                                   .attention = { k, v, heads, causal } });
}

/* ---- layout -------------------------------------------------------------------------------- */

void image_to_tokens(Compute *compute, Tensor y, Tensor x)
{
    assert((size_t)x.h * (size_t)x.w <= INT32_MAX && y.w == x.c);
    assert(tensor_is_whole(y) && tensor_is_whole(x) && tensor_count(y) == tensor_count(x));
    perform(compute, &(Operation){ .kind = OPERATION_IMAGE_TO_TOKENS, .y = y, .x = x });
}

void tokens_to_image(Compute *compute, Tensor y, Tensor x, bool accumulate)
{
    assert((size_t)y.h * (size_t)y.w <= INT32_MAX && x.w == y.c);
    assert(tensor_is_whole(y) && tensor_is_whole(x) && tensor_count(y) == tensor_count(x));
    perform(compute, &(Operation){ .kind = OPERATION_TOKENS_TO_IMAGE, .y = y, .x = x,
                                   .accumulate = accumulate });
}

void copy(Compute *compute, Tensor y, Tensor x)
{
    assert(tensor_same_shape(y, x) && y.type == x.type);
    perform(compute, &(Operation){ .kind = OPERATION_COPY, .y = y, .x = x });
}

void fill(Compute *compute, Tensor y, float value)
{
    perform(compute, &(Operation){ .kind = OPERATION_FILL, .y = y, .value = value });
}

/* Two copies into views of y, so no device needs an operation for it. */
void concatenate(Compute *compute, Tensor y, Tensor a, Tensor b)
{
    assert(y.c == a.c + b.c);
    copy(compute, tensor_channels(y, 0, a.c), a);
    copy(compute, tensor_channels(y, a.c, b.c), b);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

void map(Compute *compute, Tensor y, Tensor x, Map function, float a, float b)
{
    assert(tensor_count(y) == tensor_count(x) && tensor_is_whole(y) && tensor_is_whole(x));
    perform(compute, &(Operation){ .kind = OPERATION_MAP, .y = y, .x = x,
                                   .map = { function, a, b } });
}

void multiply_rows(Compute *compute, Tensor y, const float *factors)
{
    assert(tensor_is_whole(y));
    perform(compute, &(Operation){ .kind = OPERATION_MULTIPLY_ROWS, .y = y, .factors = factors });
}

/* Only the counts have to agree: element i of y is made of element i of each term, whatever their
 * shapes are. */
void combine(Compute *compute, Tensor y, const Term *terms, int count)
{
    Operation operation = { .kind = OPERATION_COMBINE, .y = y, .combine.count = count };
    assert(count >= 1 && count <= COMBINE_MAX_TERMS && tensor_is_whole(y));
    for (int i = 0; i < count; i++) {
        assert(tensor_is_whole(terms[i].x) && tensor_count(terms[i].x) == tensor_count(y));
        operation.combine.terms[i] = terms[i];
    }
    perform(compute, &operation);
}

void add_difference(Compute *compute, Tensor y, double factor, Tensor x, Tensor z)
{
    assert(tensor_same_shape(y, x) && tensor_same_shape(y, z));
    assert(tensor_is_whole(y) && tensor_is_whole(x) && tensor_is_whole(z));
    perform(compute, &(Operation){ .kind = OPERATION_ADD_DIFFERENCE, .y = y, .x = x,
                                   .difference = { z, factor } });
}

void keep_known(Compute *compute, Tensor y, Tensor x, Tensor mask, Tensor source, Tensor noise,
                double threshold, double amount)
{
    assert(y.n == 1 && tensor_same_shape(y, x) && tensor_same_shape(y, source) &&
           tensor_same_shape(y, noise));
    assert(mask.n == 1 && mask.c == 1 && mask.h == y.h && mask.w == y.w);
    assert(tensor_is_whole(y) && tensor_is_whole(x) && tensor_is_whole(mask) &&
           tensor_is_whole(source) && tensor_is_whole(noise));
    perform(compute, &(Operation){ .kind = OPERATION_KEEP_KNOWN, .y = y, .x = x,
                                   .known = { mask, source, noise, threshold, amount } });
}

/* ---- embeddings ------------------------------------------------------------------------------ */

void embed_tokens(Compute *compute, Tensor y, const int *tokens, const Weight *table,
                  const Weight *positions)
{
    assert(tensor_is_whole(y) && table->shape[1] == y.w);
    assert(!positions || (positions->shape[1] == y.w && row_count(y) <= (size_t)positions->shape[0]));
    /* Positions count over all rows of y: two sequences are two calls. */
    for (size_t i = 0; i < row_count(y); i++)
        assert(tokens[i] >= 0 && tokens[i] < table->shape[0]);
    perform(compute, &(Operation){ .kind = OPERATION_EMBED_TOKENS, .y = y,
                                   .embed_tokens = { tokens, table, positions } });
}

void embed_numbers(Compute *compute, Tensor y, const double *numbers, bool rounded)
{
    assert(tensor_is_whole(y));
    perform(compute, &(Operation){ .kind = OPERATION_EMBED_NUMBERS, .y = y,
                                   .embed_numbers = { numbers, rounded } });
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The answer is on this stack, so the device has to be through before it returns. */
static double ask(Compute *compute, OperationKind kind, Tensor x)
{
    double answer = 0;
    assert(tensor_is_whole(x));
    perform(compute, &(Operation){ .kind = kind, .x = x, .number = &answer });
    return answer;
}

double mean(Compute *compute, Tensor x)
{
    return ask(compute, OPERATION_MEAN, x);
}

double deviation(Compute *compute, Tensor x)
{
    return ask(compute, OPERATION_DEVIATION, x);
}

bool all_finite(Compute *compute, Tensor x)
{
    bool answer = true;
    assert(tensor_is_whole(x));
    perform(compute, &(Operation){ .kind = OPERATION_ALL_FINITE, .x = x, .truth = &answer });
    return answer;
}

/* ---- in and out ------------------------------------------------------------------------------ */

void upload_by(Compute *compute, Tensor y, UploadFill fill_host, void *user)
{
    assert(tensor_is_whole(y) && y.type == TYPE_F32);
    perform(compute, &(Operation){ .kind = OPERATION_UPLOAD, .y = y,
                                   .upload = { fill_host, user } });
}

void read_by(Compute *compute, Tensor x, ReadTake take, void *user)
{
    assert(tensor_is_whole(x) && x.type == TYPE_F32);
    perform(compute, &(Operation){ .kind = OPERATION_READ, .x = x, .read = { take, user } });
}

/* How the copying forms use the lending ones. */
typedef struct {
    const float *from;
    float       *to;
    size_t       bytes;
} Transfer;

static void fill_from(void *user, float *host)
{
    const Transfer *transfer = user;
    memcpy(host, transfer->from, transfer->bytes);
}

static void take_to(void *user, const float *host)
{
    const Transfer *transfer = user;
    memcpy(transfer->to, host, transfer->bytes);
}

void upload(Compute *compute, Tensor y, const float *host)
{
    upload_by(compute, y, fill_from, &(Transfer){ .from = host, .bytes = tensor_bytes(y) });
}

void read_back(Compute *compute, float *host, Tensor x)
{
    read_by(compute, x, take_to, &(Transfer){ .to = host, .bytes = tensor_bytes(x) });
}
