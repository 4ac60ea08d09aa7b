/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files/picture_file.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/tmp/test-picture-%d-%s", (int)getpid(), name);
    return path;
}

/* A picture of tests/golden/pictures. */
static bool read_golden(const char *name, EnginePicture *picture, EngineError *error)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/golden/pictures/%s", getenv("TEST_DATA"), name);
    return picture_file_read(path, picture, NULL, 0, error);
}

/* Red, green, blue, white, each in its quarter. */
static void is_upright(const char *name, float bound)
{
    static const float colours[4][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 1, 1, 1 } };
    EnginePicture      picture = { 0 };
    EngineError        error = { 0 };
    if (!CHECK(read_golden(name, &picture, &error))) {
        printf("     %s\n", error.message);
        return;
    }
    CHECK_INT(picture.width, 24);
    CHECK_INT(picture.height, 16);
    float worst = 0;
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 24; x++)
            for (int c = 0; c < 3; c++)
                worst = fmaxf(worst, fabsf(picture.pixels[4 * (24 * y + x) + c] -
                                           colours[2 * (y / 8) + x / 12][c]));
    if (!CHECK(worst <= bound))
        printf("     %s: worst %g\n", name, (double)worst);
    engine_picture_clear(&picture);
}

static void pictures_are_seen_as_exif_turns_them(void)
{
    for (int orientation = 1; orientation <= 8; orientation++) {
        char name[32];
        snprintf(name, sizeof name, "upright_%d.jpg", orientation);
        is_upright(name, 0.25f); /* blocks of 8 do not end where quarters do */
    }
    is_upright("upright_6.webp", 0);
    is_upright("upright_6.png", 0);
    is_upright("upright_progressive.jpg", 0.25f);
    is_upright("upright_cmyk.jpg", 0.45f);
}

static double from_srgb(double x)
{
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

/* The profile's columns times the linear values are the same XYZ as sRGB's (of D50). */
static void a_profile_is_converted_to_srgb(void)
{
    static const double from[3][3] = { { 0.60974, 0.20528, 0.14919 },
                                       { 0.31111, 0.62567, 0.06322 },
                                       { 0.01947, 0.06087, 0.74457 } };
    static const double to[3][3] = { { 0.4360747, 0.3850649, 0.1430804 },
                                     { 0.2225045, 0.7168786, 0.0606169 },
                                     { 0.0139322, 0.0971045, 0.7141733 } };
    static const double values[3] = { 128 / 255.0, 64 / 255.0, 200 / 255.0 };
    EnginePicture       picture = { 0 };
    EngineError         error = { 0 };
    if (!CHECK(read_golden("adobe_rgb.png", &picture, &error)))
        return;
    const float *middle = picture.pixels + 4;
    for (int row = 0; row < 3; row++) {
        double want = 0, got = 0;
        for (int c = 0; c < 3; c++) {
            want += from[row][c] * pow(values[c], 563 / 256.0);
            got += to[row][c] * from_srgb((double)middle[c]);
        }
        CHECK(fabs(got - want) < 1e-3);
    }
    CHECK(picture.pixels[1] == 1 && picture.pixels[0] < 0.01f); /* greener than sRGB can be */
    for (int c = 0; c < 4; c++)
        CHECK(picture.pixels[8 + c] > 0.999f);
    CHECK(fabsf(middle[0] - (float)values[0]) > 0.01f);
    engine_picture_clear(&picture);
}

static void transparency_and_grey_come_through(void)
{
    EnginePicture picture = { 0 };
    EngineError   error = { 0 };
    if (CHECK(read_golden("half_clear.webp", &picture, &error)))
        CHECK(picture.pixels[3] == 128 / 255.0f && picture.pixels[0] == 1);
    engine_picture_clear(&picture);
    if (CHECK(read_golden("grey.jpg", &picture, &error)))
        CHECK(picture.pixels[0] == picture.pixels[1] && picture.pixels[1] == picture.pixels[2]);
    engine_picture_clear(&picture);
    CHECK(!read_golden("animated.webp", &picture, &error));
    CHECK(strstr(error.message, "animation") != NULL && !picture.pixels);
}

static void every_format_comes_back_with_its_parameters(void)
{
    static const char *const names[] = { "a.png", "a.JPG", "a.jpeg", "a.webp" };
    static const char *const texts[] = { NULL, "a dog\nSteps: 20, Seed: 1", "ein Käfer, 犬🐶" };
    enum { WIDTH = 40, HEIGHT = 24 };
    float pixels[WIDTH * HEIGHT * 3];
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        pixels[i] = (float)(i / 3 % WIDTH) / WIDTH;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            EnginePicture picture = { WIDTH, HEIGHT, 3, pixels }, back = { 0 };
            EngineError   error = { 0 };
            char         *text = NULL;
            const char   *path = path_of(names[i]);
            if (!CHECK(picture_file_write(path, &picture, texts[k], &error)) ||
                !CHECK(picture_file_read(path, &back, &text, 0, &error))) {
                printf("     %s\n", error.message);
                continue;
            }
            CHECK_STRING(text, texts[k]);
            float worst = 0;
            for (int p = 0; p < WIDTH * HEIGHT; p++)
                for (int c = 0; c < 3; c++)
                    worst = fmaxf(worst, fabsf(back.pixels[4 * p + c] - pixels[3 * p + c]));
            CHECK(worst <= (i == 0 ? 0.5f / 255 + 1e-6f : 6.0f / 255));
            free(text);
            engine_picture_clear(&back);
            unlink(path);
        }
}

static void names_that_tell_no_format_are_refused(void)
{
    static const char *const bad[] = { "a", "a.bmp", "a.png/b", ".png", "a/.jpg", "a.jpg ", "" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EngineError error = { 0 };
        CHECK(!picture_file_check_name(bad[i], &error));
        CHECK(strstr(error.message, "name it .png") != NULL);
    }
    EngineError error = { 0 };
    CHECK(picture_file_check_name("a.Png", &error) && picture_file_check_name("-", &error));
}

static void jpeg_refuses_what_is_transparent(void)
{
    float         pixels[4] = { 1, 1, 1, 0.5f };
    EnginePicture picture = { 1, 1, 4, pixels };
    EngineError   error = { 0 };
    CHECK(!picture_file_write(path_of("clear.jpg"), &picture, NULL, &error));
    CHECK(strstr(error.message, "transparent") && access(path_of("clear.jpg"), F_OK) != 0);
    pixels[3] = 1;
    error = (EngineError){ 0 };
    CHECK(picture_file_write(path_of("clear.jpg"), &picture, NULL, &error));
    unlink(path_of("clear.jpg"));
}

static void a_mask_is_bright_and_opaque(void)
{
    float         pixels[12] = { 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1 };
    EnginePicture picture = { 3, 1, 4, pixels }, mask = { 0 };
    EngineError   error = { 0 };
    CHECK(picture_file_write(path_of("mask.png"), &picture, NULL, &error));
    if (CHECK(picture_file_read_mask(path_of("mask.png"), &mask, 0, &error)))
        CHECK(mask.channels == 1 && mask.pixels[0] == 1 && mask.pixels[1] == 0 && mask.pixels[2] == 0);
    engine_picture_clear(&mask);
    unlink(path_of("mask.png"));
}

static void memory_that_is_not_there_is_not_asked_for(void)
{
    float         pixels[64 * 64 * 3] = { 0 };
    EnginePicture picture = { 64, 64, 3, pixels }, back = { 0 };
    EngineError   error = { 0 };
    CHECK(picture_file_write(path_of("small.png"), &picture, NULL, &error));
    CHECK(!picture_file_read(path_of("small.png"), &back, NULL, 64 * 64 * 20 - 1, &error));
    CHECK(error.status == ENGINE_OUT_OF_MEMORY && !back.pixels);
    error = (EngineError){ 0 };
    CHECK(picture_file_read(path_of("small.png"), &back, NULL, 64 * 64 * 20, &error));
    engine_picture_clear(&back);
    unlink(path_of("small.png"));
}

static void cut_files_are_refused(void)
{
    static const char *const names[] = { "upright_1.jpg", "upright_progressive.jpg", "upright_6.webp" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[1024], bytes[16384];
        snprintf(path, sizeof path, "%s/golden/pictures/%s", getenv("TEST_DATA"), names[i]);
        FILE  *file = fopen(path, "rb");
        size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
        if (file)
            fclose(file);
        CHECK(size > 100);
        for (size_t cut = 0; cut + 40 < size; cut++) {
            EnginePicture back = { 0 };
            EngineError   error = { 0 };
            char         *exact = malloc(cut ? cut : 1);
            memcpy(exact, bytes, cut);
            if (!CHECK(!picture_file_read_memory("cut", exact, cut, &back, NULL, 0, &error)))
                printf("     %s cut at %zu of %zu\n", names[i], cut, size);
            CHECK(back.pixels == NULL && error.message[0]);
            free(exact);
        }
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(pictures_are_seen_as_exif_turns_them);
    RUN(a_profile_is_converted_to_srgb);
    RUN(transparency_and_grey_come_through);
    RUN(every_format_comes_back_with_its_parameters);
    RUN(names_that_tell_no_format_are_refused);
    RUN(jpeg_refuses_what_is_transparent);
    RUN(a_mask_is_bright_and_opaque);
    RUN(memory_that_is_not_there_is_not_asked_for);
    RUN(cut_files_are_refused);
    return test_end();
}
