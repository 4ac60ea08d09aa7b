/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This machine as a maker: passes from prompt to picture by the networks. */
#pragma once

#include "maker.h"

extern const Maker generate_maker;
