/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `diffuse txt2img`, img2img, inpaint, outpaint and instruct. */
#include "commands.h"
#include "progress.h"
#include "stages.h"

#include "../files/picture_file.h"
#include "../recipe.h"
#include "../run/machine.h"
#include "../text/prompt.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* One run of the command. */
typedef struct {
    const Options *options;
    Progress       progress;
    Stages         stages;
    EngineSession *session;
    Engine        *engine;
    EngineRequest  request;
    double         started;
    const struct Edit *edit;  /* NULL: pictures from text */
    int            written; /* pictures that lie on disk */
} Make;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool on_progress(void *user, const EngineProgress *now)
{
    Make *make = user;
    progress_show(&make->progress, now);
    return !atomic_load(&interrupted);
}

static void on_stage(void *user, const char *name, const float *data, int rank, const int *shape)
{
    stages_keep(&((Make *)user)->stages, name, data, rank, shape);
}

static bool mode_of(const char *command, EditMode *mode)
{
    static const struct {
        const char *name;
        EditMode    mode;
    } modes[] = { { "img2img", EDIT_IMAGE_TO_IMAGE },
                  { "inpaint", EDIT_INPAINT },
                  { "outpaint", EDIT_OUTPAINT },
                  { "seams", EDIT_SEAMS },
                  { "instruct", EDIT_INSTRUCT } };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, command) == 0) {
            *mode = modes[i].mode;
            return true;
        }
    return false;
}

/* What the options ask for, over the model's defaults. */
static bool fill_request(Make *make, EngineError *error)
{
    const Options *options = make->options;
    EngineRequest  request = engine_request_default(make->engine);
    for (size_t i = 0; i < REQUEST_SETTING_COUNT; i++)
        if (options->has[i])
            request_setting_copy(&request, &options->request, &request_settings[i]);
    if (!options_has(options, offsetof(EngineRequest, seed))) {
        uint32_t seed;
        if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
            return fail(error, ENGINE_BAD_REQUEST,
                        "The system gives no random seed; name one with --seed.");
        request.seed = seed;
    }
    request.prompt = options->prompt ? options->prompt : "";
    request.negative_prompt = options->negative_prompt ? options->negative_prompt : "";
    request.progress = on_progress;
    request.observe = options->save_stages ? on_stage : NULL;
    request.user = make;
    make->request = request;
    return true;
}

static const char *output_name(const Options *options)
{
    return options->output ? options->output : "out.png";
}

static bool to_stdout(const Options *options)
{
    return strcmp(output_name(options), "-") == 0;
}

/* What cannot be written is said before anything is made. */
static bool check_output(const Options *options, EngineError *error)
{
    if (options->estimate)
        return true;
    if (!picture_file_check_name(output_name(options), error))
        return false;
    if (to_stdout(options) && options->request.count > 1)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Standard output takes one picture, not %d; name a file.", options->request.count);
    if (to_stdout(options) && options->json)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Standard output takes the picture or the JSON, not both; name a file.");
    return true;
}

/* "out.png" for the first picture, "out-2.png" for the second … */
static void output_path(char *path, size_t size, const Options *options, int image)
{
    const char *name = output_name(options);
    const char *dot = strrchr(name, '.');
    if (image == 0)
        snprintf(path, size, "%s", name);
    else if (dot && !strchr(dot, '/'))
        snprintf(path, size, "%.*s-%d%s", (int)(dot - name), name, image + 1, dot);
    else
        snprintf(path, size, "%s-%d", name, image + 1);
}

/* The file's name without folder and ending. */
static void model_name(char *name, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/'), *ending;
    const char *from = slash && slash[1] ? slash + 1 : path;
    ending = strstr(from, ".safetensors");
    snprintf(name, size, "%.*s", ending ? (int)(ending - from) : (int)strlen(from), from);
}

/* What made this picture, with its own picks of {a|b}; the caller frees.  NULL: out of memory. */
static char *parameters_of(const Make *make, int image, const EnginePicture *picture)
{
    char     name[256], *text = NULL;
    uint64_t seed = make->request.seed + (uint64_t)image;
    char    *prompt = prompt_expand(make->request.prompt, seed);
    char    *negative = prompt_expand(make->request.negative_prompt, seed);
    model_name(name, sizeof name, engine_model_path(make->engine));
    if (prompt && negative) {
        Recipe recipe = { .request = make->request, .mask_blur = -1, .model = name,
                          .model_hash = "", .version = "diffuse " ENGINE_VERSION,
                          .has_strength = strcmp(make->options->command, "txt2img") != 0 };
        recipe.request.prompt = prompt;
        recipe.request.negative_prompt = negative;
        recipe.request.seed = seed;
        recipe.request.width = picture->width;
        recipe.request.height = picture->height;
        text = recipe_write(&recipe);
    }
    free(prompt);
    free(negative);
    return text;
}

static bool write_picture(Make *make, int image, const EnginePicture *picture, EngineError *error)
{
    char  path[4096];
    char *text = NULL;
    output_path(path, sizeof path, make->options, image);
    if (make->options->parameters && !(text = parameters_of(make, image, picture)))
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory.");
    bool ok = picture_file_write(path, picture, text, error);
    free(text);
    make->written += ok;
    if (ok && !make->options->json && !to_stdout(make->options)) {
        progress_end(&make->progress);
        print_shown(path);
        printf("  %d x %d, seed %" PRIu64 ", %.1f s\n", picture->width, picture->height,
               make->request.seed + (uint64_t)image, seconds_now() - make->started);
        fflush(stdout);
    }
    return ok;
}

static void print_json_result(const Make *make)
{
    printf("{\"files\": [");
    for (int i = 0; i < make->request.count; i++) {
        char path[4096];
        output_path(path, sizeof path, make->options, i);
        printf(i ? ", " : "");
        print_json_string(path);
    }
    printf("], \"seed\": %" PRIu64 ", \"seconds\": %.3f, \"noise\": \"%s\", \"sampler\": \"%s\", "
           "\"schedule\": \"%s\", \"steps\": %d}\n",
           make->request.seed, seconds_now() - make->started,
           choice_name(choices_noises, (int)make->request.noise),
           engine_sampler_name(make->request.sampler),
           engine_schedule_name(make->request.schedule), make->request.steps);
}

static void print_estimate(const Make *make, const EngineEstimate *estimate)
{
    /* Each is written and forgotten before the next one is begun. */
    uint64_t one_picture = estimate->picture_bytes / (uint64_t)make->request.count;
    if (make->options->json)
        printf("{\"scratch_bytes\": %" PRIu64 ", \"picture_bytes\": %" PRIu64
               ", \"weight_bytes\": %" PRIu64 ", \"available_bytes\": %" PRIu64 ", \"seconds\": %.3f, \"flops\": %.0f}\n",
               estimate->scratch_bytes, one_picture, estimate->weight_bytes,
               estimate->available_bytes, estimate->seconds, estimate->flops);
    else
        printf("memory  %.0f MB besides %.0f MB of the model's file (%.0f MB are free)\n"
               "time    %.0f s on this machine (%.2f TFLOP)\n",
               (double)(estimate->scratch_bytes + one_picture) / 1e6,
               (double)estimate->weight_bytes / 1e6,
               (double)estimate->available_bytes / 1e6, estimate->seconds, estimate->flops / 1e12);
}

/* Each picture is written when it is made: what comes after it may be stopped or fail. */
static bool on_picture(void *user, int image, const EnginePicture *picture, EngineError *error)
{
    return write_picture(user, image, picture, error);
}

static bool make_from_text(Make *make, EngineError *error)
{
    const Options *options = make->options;
    if (options->estimate) {
        EngineEstimate estimate;
        if (!engine_estimate(make->engine, &make->request, &estimate, error))
            return false;
        print_estimate(make, &estimate);
        return true;
    }
    make->request.picture = on_picture;
    return engine_generate(make->engine, &make->request, NULL, error);
}

static int amount_pixels(Amount amount, int side)
{
    return (int)lround(amount.percent ? amount.value / 100 * side : amount.value);
}

/* Bounds of what is above zero. */
static EditRect mask_bounds(const float *mask, int width, int height)
{
    int x0 = width, y0 = height, x1 = 0, y1 = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (mask[(size_t)y * (size_t)width + (size_t)x] > 0) {
                x0 = x < x0 ? x : x0;
                x1 = x + 1 > x1 ? x + 1 : x1;
                y0 = y < y0 ? y : y0;
                y1 = y + 1;
            }
    return x1 > x0 ? (EditRect){ x0, y0, x1 - x0, y1 - y0 } : (EditRect){ 0 };
}

/* Memory that reading a picture may take: of what is free, that something is left for the model. */
static size_t reading_bytes(void)
{
    return (size_t)(machine_available_bytes() / 4 * 3);
}

/* The mask file as one channel of the picture's size: white and opaque is 1. */
static bool read_mask(float **mask, const char *path, int width, int height, EngineError *error)
{
    EnginePicture picture = { 0 };
    if (!picture_file_read_mask(path, &picture, reading_bytes(), error))
        return false;
    if (picture.width == width && picture.height == height) {
        *mask = picture.pixels;
        return true;
    }
    fail(error, ENGINE_BAD_REQUEST,
         "%s is %d x %d and the picture %d x %d; the mask must have the picture's size.", path,
         picture.width, picture.height, width, height);
    engine_picture_clear(&picture);
    return false;
}

/* Where there is no mask, what is clear is to be painted. */
static bool mask_of_alpha(float **mask, const EnginePicture *picture, EngineError *error)
{
    size_t count = (size_t)picture->width * (size_t)picture->height;
    float  most = 0;
    *mask = malloc(count * sizeof **mask);
    if (!*mask)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the mask.");
    for (size_t i = 0; i < count; i++) {
        (*mask)[i] = 1 - picture->pixels[4 * i + 3];
        most = fmaxf(most, (*mask)[i]);
    }
    return most > 0 || fail(error, ENGINE_BAD_REQUEST,
                            "'diffuse inpaint' needs --mask MASK.png, white where it may paint, or a "
                            "picture with transparent places, which this one has not.");
}

/* The part of a picture (or mask) of `channels` that the region shows; outside of it all is 0. */
static float *cut_region(const float *pixels, int width, int height, int channels, EditRect region,
                         int shift_x, int shift_y)
{
    float *out = calloc((size_t)region.width * (size_t)region.height * (size_t)channels,
                        sizeof *out);
    if (!out)
        return NULL;
    for (int y = 0; y < region.height; y++) {
        int from_y = region.y + y - shift_y;
        if (from_y < 0 || from_y >= height)
            continue;
        int x0 = region.x - shift_x < 0 ? shift_x - region.x : 0;
        int x1 = region.x - shift_x + region.width > width ? width - (region.x - shift_x)
                                                           : region.width;
        if (x1 > x0)
            memcpy(out + ((size_t)y * (size_t)region.width + (size_t)x0) * (size_t)channels,
                   pixels + ((size_t)from_y * (size_t)width +
                             (size_t)(region.x - shift_x + x0)) * (size_t)channels,
                   (size_t)(x1 - x0) * (size_t)channels * sizeof *out);
    }
    return out;
}

/* Everything about an edit that lives until its last picture is written. */
typedef struct Edit {
    EnginePicture source;
    float        *mask;
    EditPixels    pixels[EDIT_MAX_ISLANDS]; /* of each crop */
    EditPlan      plan;
    EditJob      *job;
    EditResult   *results;
} Edit;

static void clear_pixels(Edit *edit)
{
    for (int i = 0; i < EDIT_MAX_ISLANDS; i++) {
        free((float *)edit->pixels[i].rgba);
        free((float *)edit->pixels[i].selection);
        edit->pixels[i] = (EditPixels){ NULL, NULL };
    }
}

static bool cut_crops(Edit *edit, EngineError *error)
{
    const EditPlan *plan = &edit->plan;
    int             w = edit->source.width, h = edit->source.height;
    for (int i = 0; i < plan->crop_count; i++) {
        EditRect region = plan->crops[i].region;
        edit->pixels[i].rgba =
            cut_region(edit->source.pixels, w, h, 4, region, plan->shift_x, plan->shift_y);
        if (edit->mask)
            edit->pixels[i].selection =
                cut_region(edit->mask, w, h, 1, region, plan->shift_x, plan->shift_y);
        if (!edit->pixels[i].rgba || (edit->mask && !edit->pixels[i].selection))
            return fail(error, ENGINE_OUT_OF_MEMORY,
                        "There is not enough memory for a %d x %d region.", region.width,
                        region.height);
    }
    return true;
}

/* The mask's islands. */
static bool find_islands(EditSettings *settings, const Edit *edit, EngineError *error)
{
    EditRect     all = { 0, 0, edit->source.width, edit->source.height };
    EditIslands *islands = edit_islands_create(all.width, all.height);
    if (islands)
        edit_islands_add(islands, all, edit->mask);
    bool ok = islands && edit_islands_find(islands, settings->islands, &settings->island_count);
    edit_islands_destroy(islands);
    return ok || fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the mask.");
}

/* Copies what lies below a result's parts out of pixels [height, width, 4], or back. */
static void copy_below(float *below, float *pixels, int width, const EditResult *result, bool back)
{
    for (int i = 0; i < result->part_count; i++) {
        EditRect rect = result->parts[i].rect;
        size_t   count = 4 * (size_t)rect.width;
        for (int y = 0; y < rect.height; y++, below += count) {
            float *row = pixels + 4 * ((size_t)(rect.y + y) * (size_t)width + (size_t)rect.x);
            memcpy(back ? row : below, back ? below : row, count * sizeof *row);
        }
    }
}

/* The source, for as long as the result lies over it: a second picture of a large one's size would
 * double what the command takes. */
static bool write_over_source(Make *make, const Edit *edit, int image, EngineError *error)
{
    const EnginePicture *source = &edit->source;
    const EditResult    *result = &edit->results[image];
    size_t               pixels = 0;
    for (int i = 0; i < result->part_count; i++)
        pixels += (size_t)result->parts[i].rect.width * (size_t)result->parts[i].rect.height;
    float *below = malloc(4 * pixels * sizeof *below);
    if (!below)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
    copy_below(below, source->pixels, source->width, result, false);
    edit_result_lay(result, source->pixels, source->width, source->height);
    bool ok = write_picture(make, image, source, error);
    copy_below(below, source->pixels, source->width, result, true);
    free(below);
    return ok;
}

/* The whole (new) canvas with a result laid over it, or the result alone on nothing. */
static bool write_canvas(Make *make, const Edit *edit, int image, bool layer_only,
                         EngineError *error)
{
    const EnginePicture *source = &edit->source;
    const EditPlan      *plan = &edit->plan;
    EditRect             all = { 0, 0, plan->canvas.width, plan->canvas.height };
    EnginePicture        canvas = { all.width, all.height, 4,
                                    cut_region(source->pixels, source->width,
                                               layer_only ? 0 : source->height, 4, all, plan->shift_x,
                                               plan->shift_y) };
    if (!canvas.pixels)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
    edit_result_lay(&edit->results[image], canvas.pixels, canvas.width, canvas.height);
    bool ok = write_picture(make, image, &canvas, error);
    engine_picture_clear(&canvas);
    return ok;
}

static bool on_edited(void *user, int image, const EnginePicture *crop, EngineError *error)
{
    Make       *make = user;
    const Edit *edit = make->edit;
    bool        layer_only = make->options->layer;
    (void)crop;
    bool        whole = layer_only || edit->plan.canvas.width != edit->source.width ||
                 edit->plan.canvas.height != edit->source.height;
    bool ok = whole ? write_canvas(make, edit, image, layer_only, error)
                    : write_over_source(make, edit, image, error);
    edit_result_clear(&edit->results[image]);
    return ok;
}

static void edit_clear(Edit *edit, int count)
{
    for (int i = 0; edit->results && i < count; i++)
        edit_result_clear(&edit->results[i]);
    free(edit->results);
    edit_job_destroy(edit->job);
    free(edit->mask);
    clear_pixels(edit);
    engine_picture_clear(&edit->source);
}

static EditSettings edit_settings(const Options *options, EditMode mode, const Edit *edit)
{
    EditSettings settings = edit_settings_default(mode);
    int          width = edit->source.width, height = edit->source.height;
    settings.canvas_width = width;
    settings.canvas_height = height;
    settings.has_selection = edit->mask != NULL;
    if (edit->mask)
        settings.selection = mask_bounds(edit->mask, width, height);
    settings.left = amount_pixels(options->left, width);
    settings.right = amount_pixels(options->right, width);
    settings.top = amount_pixels(options->top, height);
    settings.bottom = amount_pixels(options->bottom, height);
    if (options->intent >= 0)
        settings.intent = (EditIntent)options->intent;
    if (options_has(options, offsetof(EngineRequest, strength)))
        settings.strength = options->request.strength;
    settings.edge = (EditEdge)options->edge;
    settings.feather = options->feather;
    settings.grow = options->grow;
    settings.edge_width = options->edge_width;
    settings.context = (EditContext)options->context;
    settings.context_pixels = options->context_pixels;
    settings.colour_match = !options->no_colour_match;
    settings.keep_transparency = options->keep_transparency;
    bool seams = mode == EDIT_SEAMS && !options_has(options, offsetof(EngineRequest, tile_x));
    settings.tile_x = seams || options->request.tile_x;
    settings.tile_y = seams || options->request.tile_y;
    return settings;
}

static bool run_edit(Make *make, EditMode mode, Edit *edit, EngineError *error)
{
    const Options *options = make->options;
    const char    *input = options->input            ? options->input
                           : options->argument_count ? options->arguments[0]
                                                     : NULL;
    if (!input)
        return fail(error, ENGINE_BAD_REQUEST,
                    "'diffuse %s' needs a picture: name a PNG, JPEG or WebP file.",
                    options->command);
    if (options_has(options, offsetof(EngineRequest, width)) ||
        options_has(options, offsetof(EngineRequest, height)))
        return fail(error, ENGINE_BAD_REQUEST,
                    "--width and --height go with txt2img; '%s' keeps the picture's size.",
                    options->command);
    if (!picture_file_read(input, &edit->source, NULL, reading_bytes(), error))
        return false;
    int width = edit->source.width, height = edit->source.height;
    if (options->mask ? !read_mask(&edit->mask, options->mask, width, height, error)
                      : mode == EDIT_INPAINT && !mask_of_alpha(&edit->mask, &edit->source, error))
        return false;

    EditSettings settings = edit_settings(options, mode, edit);
    const EngineModelInfo *model = engine_model(make->engine);
    if (edit->mask && !find_islands(&settings, edit, error))
        return false;
    if (mode == EDIT_OUTPAINT && !edit_settings_clear(&settings, edit->source.pixels, width, height))
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the picture.");
    if (!edit_plan(&settings, model, &edit->plan, error))
        return false;
    make->request.strength = settings.strength;
    if (edit->plan.warning[0])
        fprintf(stderr, "diffuse: %s\n", edit->plan.warning);
    if (options->estimate) {
        EngineEstimate estimate;
        if (!edit_estimate(&settings, &edit->plan, make->engine, &make->request, &estimate, error))
            return false;
        print_estimate(make, &estimate);
        return true;
    }
    const EditPlan *plan = &edit->plan;
    edit->results = calloc((size_t)make->request.count, sizeof *edit->results);
    if (!edit->results)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the results.");
    if (!cut_crops(edit, error))
        return false;
    edit->job = edit_prepare_crops(&settings, model, plan, edit->pixels, error);
    clear_pixels(edit);
    if (!edit->job)
        return false;
    make->edit = edit;
    make->request.picture = on_edited;
    return edit_generate(edit->job, make->engine, &make->request, edit->results, error);
}

/* Says how far a run came that was stopped. */
static void explain_stop(const Make *make, EngineError *error)
{
    if (error->status != ENGINE_CANCELLED)
        return;
    *error = (EngineError){ 0 };
    if (make->written)
        fail(error, ENGINE_CANCELLED, "stopped; %d of %d pictures were written.", make->written,
             make->request.count);
    else
        fail(error, ENGINE_CANCELLED, "stopped; nothing was written.");
}

/* The model's file for this task: where `path` cannot do it, the one beside it that can. */
static const char *path_for_task(char *sibling, size_t size, const char *path, const Options *options)
{
    EngineModelInfo info;
    EngineError     ignored = { 0 };
    EditMode        mode;
    bool            instruct = mode_of(options->command, &mode) && mode == EDIT_INSTRUCT;
    if (!path || !engine_inspect(path, &info, &ignored) || !info.runnable ||
        (info.in_channels == 8) == instruct || !engine_sibling(sibling, size, path, instruct ? 8 : 4))
        return path;
    if (options->model && !options->quiet)
        fprintf(stderr, "diffuse: %s %s instructions; using %s\n", path,
                instruct ? "follows no" : "only follows", sibling);
    return sibling;
}

bool command_make(const Options *options, EngineError *error)
{
    Make          make = { .options = options, .started = seconds_now() };
    EngineOptions open = engine_options_default();
    EditMode      mode;
    char          sibling[4096];
    EngineSessionOptions machine = engine_session_options_default();
    machine.threads = options->threads;
    open.vae_path = options->vae;
    open.taesd_path = options->taesd;
    open.text_encoder_path = options->text_encoder;
    open.prediction = (EnginePrediction)options->prediction;
    progress_begin(&make.progress, options->quiet || options->json);
    const char *path = path_for_task(sibling, sizeof sibling, command_model_path(options, error), options);
    bool        ok = path && check_output(options, error) &&
              (make.session = engine_session_create(&machine, error)) != NULL &&
              (make.engine = engine_open(make.session, path, &open, error)) != NULL &&
              fill_request(&make, error);
    if (ok && mode_of(options->command, &mode)) {
        Edit edit = { 0 };
        ok = run_edit(&make, mode, &edit, error);
        edit_clear(&edit, make.request.count);
    } else if (ok) {
        ok = make_from_text(&make, error);
    }
    progress_end(&make.progress);
    if (!ok)
        explain_stop(&make, error);
    if (ok && options->save_stages && !options->estimate)
        ok = stages_write(&make.stages, options->save_stages, error);
    if (ok && options->json && !options->estimate)
        print_json_result(&make);
    stages_clear(&make.stages);
    engine_close(make.engine);
    engine_session_destroy(make.session);
    return ok;
}
