/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The things of a scene, the farthest first: how they are drawn, and how much of each symbol is seen.
 */
#ifndef FBNET_SCENES_STACK_H
#define FBNET_SCENES_STACK_H

#include "color.h"
#include "outline.h"
#include "symbols.h"

#define NO_SYMBOL (-1)

typedef struct {
  Color near, far;      /* a gradient over the thing; the same twice: none */
  double angle;         /* its direction */
  double alpha;         /* 1: hides what is behind; less, a shade or reflection: hides nothing */
  double grain;         /* from 0: how rough the surface is */
  Color contour;        /* inside the outline */
  double contour_width; /* in pixels; 0: none */
} Paint;

Paint paint_flat (Color color);

typedef struct {
  Outline *outline; /* in pixels */
  Paint paint;
  gint symbol; /* or NO_SYMBOL: the number of what is looked for */
  gboolean printed;
} Layer;

typedef struct {
  guint width, height;
  GArray *layers; /* Layer */
} Stack;

Stack *stack_new (guint width, guint height);
void stack_free (Stack *stack); /* NULL is allowed */

/* On top of the others. Takes the outline. */
void stack_add (Stack *stack, Outline *outline, const Paint *paint, gint symbol);

/* Printed on the layer before it: hides nothing of that, and goes with it. */
void stack_print (Stack *stack, Outline *outline, const Paint *paint);

/* Which symbol each pixel shows: the layer's number + 1, or 0; width × height of them. A pixel belongs
 * to what covers at least half of it. g_free() it. */
guint16 *stack_see (const Stack *stack);

/* Removes symbols of which less than the share `min_visible`, or fewer than `min_pixels` pixels, are
 * seen: hidden, or beyond the picture's edge. */
void stack_drop_hidden (Stack *stack, double min_visible, guint min_pixels);

/* Draws all into `cairo`, in pixels. The dice roughen surfaces. */
void stack_draw (const Stack *stack, cairo_t *cairo, Dice *dice);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Stack, stack_free)

#endif
