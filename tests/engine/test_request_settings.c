/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request_settings.h"
#include "test.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void each_default_lies_in_its_range_and_each_field_has_one_row(void)
{
    EngineRequest request = engine_request_default(NULL);
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++) {
        const RequestSetting *setting = &request_settings[i];
        EngineError           error = { 0 };
        CHECK(request_setting_check(&request, setting, &error));
        CHECK(request_setting_is_usual(&request, setting));
        CHECK(request_setting_of(setting->offset) == setting);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(request_settings[k].option, setting->option) != 0);
    }
    CHECK(request.steps == 20 && request.sampler == ENGINE_DPMPP_2M && request.cfg == 7);
    CHECK(request.schedule == ENGINE_SCHEDULE_KARRAS && request.strength == 0.75f);
    CHECK(request.width == 512 && request.height == 512 && request.count == 1);
    CHECK(request.image_cfg == 1.5f && request.noise == ENGINE_NOISE_GPU && request.seed == 0);
}

static void values_that_make_no_sense_are_refused_with_the_range(void)
{
    static const double senseless[] = { NAN, INFINITY, -INFINITY, 1e30, -1e30 };
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++) {
        const RequestSetting *setting = &request_settings[i];
        if (setting->type != REQUEST_NUMBER)
            continue;
        for (size_t k = 0; k < sizeof senseless / sizeof *senseless; k++) {
            EngineRequest request = engine_request_default(NULL);
            EngineError   error = { 0 };
            request_setting_set(&request, setting, senseless[k]);
            CHECK(!request_setting_check(&request, setting, &error));
            CHECK(error.status == ENGINE_BAD_REQUEST && strstr(error.message, setting->noun));
            CHECK(strstr(error.message, "it must be a number from") != NULL);
        }
    }
    EngineRequest request = engine_request_default(NULL);
    EngineError   error = { 0 };
    request.sampler = (EngineSampler)99;
    CHECK(!request_setting_check(&request, request_setting_of(offsetof(EngineRequest, sampler)),
                                 &error));
    CHECK(strstr(error.message, "it must be one of euler, euler_a") != NULL);
    error = (EngineError){ 0 };
    request.clip_skip = -5;
    CHECK(!request_setting_check(&request, request_setting_of(offsetof(EngineRequest, clip_skip)),
                                 &error));
    CHECK_STRING(error.message, "The clip skip is -5; it must be a whole number from 0 to 100.");
}

static void the_ends_of_each_range_read_back_from_their_text(void)
{
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        for (int end = 0; end < 2; end++) {
            const RequestSetting *setting = &request_settings[i];
            EngineRequest         one = engine_request_default(NULL), two = one;
            char                  text[64];
            if (setting->type == REQUEST_SEED)
                one.seed = end ? UINT64_MAX : 0;
            else
                request_setting_set(&one, setting, end ? setting->most : setting->least);
            for (int names = 0; names < 2; names++) {
                request_setting_write(text, sizeof text, &one, setting, names);
                if (CHECK(request_setting_read(&two, setting, text, strlen(text))))
                    CHECK(request_setting_get(&one, setting) == request_setting_get(&two, setting));
            }
            two = engine_request_default(NULL);
            request_setting_copy(&two, &one, setting);
            CHECK(request_setting_get(&one, setting) == request_setting_get(&two, setting));
        }
}

static void text_that_is_no_value_changes_nothing(void)
{
    static const char *const texts[] = { "", "nan", "inf", "-1e9", "1e9", "0x10", " 1", "1 ", "best",
                                         "18446744073709551616" };
    for (int i = 0; i < REQUEST_SETTING_COUNT; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            EngineRequest request = engine_request_default(NULL);
            CHECK(!request_setting_read(&request, &request_settings[i], texts[k], strlen(texts[k])));
            CHECK(request_setting_is_usual(&request, &request_settings[i]));
        }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(each_default_lies_in_its_range_and_each_field_has_one_row);
    RUN(values_that_make_no_sense_are_refused_with_the_range);
    RUN(the_ends_of_each_range_read_back_from_their_text);
    RUN(text_that_is_no_value_changes_nothing);
    return test_end();
}
