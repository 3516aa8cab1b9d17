/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * COCO's run-length code of masks. The format is the one of cocoapi's maskApi.h: each run's length
 * less that of the run two before it (from the fourth on), five bits a character, low bits first,
 * bit 5 for "more follows", the last character's bit 4 the sign, 48 added.
 */
#include "rle.h"

typedef struct {
  GString *text;
  gboolean value;  /* of the run that is growing */
  gint64 length;   /* its length so far */
  gint64 older[2]; /* the two finished runs before it, the last one first */
  guint n_runs;    /* finished */
} RunWriter;

static void
append_number (GString *text, gint64 number)
{
  gboolean more;
  do {
    guint bits = number & 0x1f;
    number >>= 5; /* arithmetic: the sign stays */
    more = bits & 0x10 ? number != -1 : number != 0;
    if (more)
      bits |= 0x20;
    g_string_append_c (text, (char) (bits + 48));
  } while (more);
}

static void
finish_run (RunWriter *writer)
{
  append_number (writer->text,
      writer->n_runs > 2 ? writer->length - writer->older[1] : writer->length);
  writer->older[1] = writer->older[0];
  writer->older[0] = writer->length;
  writer->n_runs++;
  writer->length = 0;
  writer->value = !writer->value;
}

static void
add_run (RunWriter *writer, gboolean value, gint64 length)
{
  if (length == 0)
    return;
  if (value != writer->value)
    finish_run (writer);
  writer->length += length;
}

static void
add_column (RunWriter *writer, const FbnetMask *mask, gint column)
{
  const guint8 *pixel = mask->data + column;
  for (gint y = 0; y < mask->height; y++, pixel += mask->width)
    add_run (writer, *pixel != 0, 1);
}

char *
rle_encode (const FbnetMask *mask, guint frame_width, guint frame_height)
{
  g_return_val_if_fail (frame_width > 0 && frame_height > 0, NULL);
  RunWriter writer = { .text = g_string_new (NULL) };

  gint64 columns_left = frame_width;
  if (mask->data && mask->width > 0 && mask->height > 0) {
    const gint64 below = (gint64) frame_height - mask->y - mask->height;
    add_run (&writer, FALSE, (gint64) mask->x * frame_height);
    for (gint column = 0; column < mask->width; column++) {
      add_run (&writer, FALSE, mask->y);
      add_column (&writer, mask, column);
      add_run (&writer, FALSE, below);
    }
    columns_left -= mask->x + mask->width;
  }
  add_run (&writer, FALSE, columns_left * frame_height);
  finish_run (&writer);
  return g_string_free (writer.text, FALSE);
}

cJSON *
rle_to_json (const FbnetMask *mask, guint frame_width, guint frame_height)
{
  const int size[] = { (int) frame_height, (int) frame_width };
  g_autofree char *counts = rle_encode (mask, frame_width, frame_height);
  cJSON *object = cJSON_CreateObject ();
  cJSON_AddItemToObject (object, "size", cJSON_CreateIntArray (size, 2));
  cJSON_AddStringToObject (object, "counts", counts);
  return object;
}
