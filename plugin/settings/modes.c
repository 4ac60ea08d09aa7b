/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "modes.h"

#include <string.h>

#include "intl.h"

static const Mode modes[] =
{
  { EDIT_TEXT_TO_IMAGE, "plug-in-diffusion-text-to-image",
    N_("_Text to Image…"),
    N_("Make a picture from words"),
    N_("Makes a picture from a prompt with a Stable Diffusion checkpoint, on this "
       "computer's processor.  With an image it becomes a new layer in the middle of the "
       "canvas, otherwise a new image."),
    N_("What to paint, in English: a strawberry on a blue background") },
  { EDIT_IMAGE_TO_IMAGE, "plug-in-diffusion-image-to-image",
    N_("_Image to Image…"),
    N_("Redraw the image, or the selected part, as a prompt describes it"),
    N_("Takes what is visible and redraws it as the prompt describes it; "
       "strength says how far from the original.  The result is a new layer "
       "with a layer mask; nothing else in the image changes."),
    N_("What it should become, in English: an oil painting of a beach") },
  { EDIT_INPAINT, "plug-in-diffusion-inpaint",
    N_("I_npaint Selection…"),
    N_("Fill the selected place with what the prompt says"),
    N_("Repaints the selected place so that it fits its surroundings.  The "
       "edge mode says what happens at the selection's border.  The result "
       "is a new layer with a layer mask; nothing else in the image changes."),
    N_("What should be there, in English: a sunflower on a green meadow") },
  { EDIT_OUTPAINT, "plug-in-diffusion-outpaint",
    N_("_Outpaint…"),
    N_("Extend the canvas and paint what would be there"),
    N_("Makes the canvas larger by so many pixels on each side and continues the picture "
       "there.  Canvas and new layer come as one undo step."),
    N_("What the picture shows, in English: a beach with a blue sky") },
  { EDIT_INSTRUCT, "plug-in-diffusion-instruct",
    N_("Follow In_struction…"),
    N_("Change the image, or the selected part, as an instruction says"),
    N_("Follows an instruction such as “make it night”, with an InstructPix2Pix "
       "checkpoint, which has 8 input channels; the demo has one.  The result is a new "
       "layer with a layer mask; "
       "nothing else in the image changes."),
    N_("What to do, in English: make it night") },
};

gboolean
modes_have (EditMode mode)
{
  for (gint i = 0; i < MODE_COUNT; i++)
    if (modes[i].mode == mode)
      return TRUE;

  return FALSE;
}

const Mode *
modes_of (EditMode mode)
{
  for (gint i = 0; i < MODE_COUNT; i++)
    if (modes[i].mode == mode)
      return &modes[i];

  g_return_val_if_reached (&modes[0]);
}

const Mode *
modes_at (gint index)
{
  return &modes[index];
}

const Mode *
modes_of_procedure (const gchar *procedure)
{
  for (gint i = 0; i < MODE_COUNT; i++)
    if (! strcmp (procedure, modes[i].procedure))
      return &modes[i];

  return NULL;
}
