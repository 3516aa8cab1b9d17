/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a frame, or a region of it, to a network's input; see input.h.
 */
#include "input.h"

#include "model/costs.h"
#include "model/params.h"

FbnetInput *
input_new (FbnetModel *model, Workers *workers, const PictureKernels *kernels, guint64 work_limit)
{
  FbnetInput *input = g_new0 (FbnetInput, 1);

  input->model = fbnet_model_ref (model);
  input->workers = workers;
  input->work_limit = work_limit;
  input->resizer = image_resizer_new (kernels);
  return input;
}

FbnetInput *
fbnet_input_new (FbnetModel *model, const FbnetDetectorOptions *options, GError **error)
{
  static const FbnetDetectorOptions defaults = { 0 };

  g_return_val_if_fail (model != NULL, NULL);

  if (options == NULL)
    options = &defaults;
  if (fbnet_model_get_task (model) != FBNET_TASK_DETECTION) {
    g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
        "%s: expected a detection model, found a classifier", fbnet_model_get_name (model));
    return NULL;
  }
  const Kernels *kernels =
      params_check_options (options, error) ? kernels_find (options->kernels, error) : NULL;
  Workers *workers = kernels != NULL ? workers_new (options->n_threads, error) : NULL;
  if (workers == NULL)
    return NULL;
  FbnetInput *input = input_new (model, workers, &kernels->picture, costs_limit (options));
  input->owns_workers = TRUE;
  return input;
}

void
fbnet_input_free (FbnetInput *input)
{
  if (input == NULL)
    return;
  image_resizer_free (input->resizer);
  if (input->owns_workers)
    workers_free (input->workers);
  buffer_clear (&input->pixels);
  fbnet_model_unref (input->model);
  g_free (input);
}

static gboolean
check_frame (const FbnetImage *image, GError **error)
{
  if (image->width >= 1 && image->height >= 1 && image->width <= MAX_SIDE
      && image->height <= MAX_SIDE)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "frame: expected 1 … %d pixels a side, found %u × %u", MAX_SIDE, image->width, image->height);
  return FALSE;
}

static gboolean
check_region (const FbnetImage *image, const FbnetRegion *region, GError **error)
{
  if (region->width >= 1 && region->height >= 1 && region->x < image->width
      && region->y < image->height && region->width <= image->width - region->x
      && region->height <= image->height - region->y)
    return TRUE;
  g_set_error (error, FBNET_ERROR, FBNET_ERROR_ARGUMENT,
      "region: expected 1 pixel or more within the frame of %u × %u, found %u × %u at (%u, %u)",
      image->width, image->height, region->width, region->height, region->x, region->y);
  return FALSE;
}

static gsize
round_up (gsize value, gsize multiple)
{
  return multiple > 1 ? (value + multiple - 1) / multiple * multiple : value;
}

void
input_set_size (FbnetInput *input, gsize height, gsize width)
{
  const guint multiple = input->model->description->size_divisibility;

  input->height = height;
  input->width = width;
  input->padded_height = round_up (height, multiple);
  input->padded_width = round_up (width, multiple);
}

/* What needs no more memory than before is not reckoned again: whoever runs it reckons, too. */
static gboolean
check_work (const FbnetInput *input, const FbnetParams *params, GError **error)
{
  const FbnetModel *model = input->model;

  return 3 * input->height * input->width <= input->pixels.size
      || costs_check (input->work_limit, model->description, model->layers, input->padded_height,
          input->padded_width, params, error);
}

/* Makes room; cheap when the sizes are those of the last time. */
static gboolean
prepare (FbnetInput *input, const FbnetParams *params, GError **error)
{
  const FbnetRegion *region = &input->region;
  gsize height, width;

  image_network_size (region->height, region->width, params->min_size, params->max_size, &height,
      &width);
  input_set_size (input, height, width);
  return check_work (input, params, error)
      && image_resizer_prepare (input->resizer, region->height, region->width, input->height,
          input->width, workers_count (input->workers), error)
      && buffer_reserve (&input->pixels, 3 * input->height * input->width, error);
}

gboolean
fbnet_input_fill (FbnetInput *input, const FbnetImage *image, const FbnetRegion *region,
    const FbnetParams *params, GError **error)
{
  g_return_val_if_fail (input != NULL && image != NULL && params != NULL, FALSE);

  const Description *d = input->model->description;
  const FbnetRegion all = { 0, 0, image->width, image->height };
  FbnetImage view;

  input->height = input->width = 0;
  if (!check_frame (image, error) || !check_region (image, region != NULL ? region : &all, error))
    return FALSE;
  input->frame_width = image->width;
  input->frame_height = image->height;
  input->region = image_view (&view, image, region != NULL ? region : &all);
  if (!prepare (input, params, error)) {
    g_prefix_error (error, "frame of %u × %u: ", image->width, image->height);
    input->height = input->width = 0;
    return FALSE;
  }
  if (input->owns_workers) /* otherwise within the frame of who lends them */
    workers_begin_frame (input->workers);
  image_resize_view (input->resizer, input->pixels.data, &view, image->height, d->bgr,
      input->workers);
  if (input->owns_workers)
    workers_end_frame (input->workers);
  return TRUE;
}

void
fbnet_input_get_region (const FbnetInput *input, FbnetRegion *region)
{
  g_return_if_fail (input != NULL && region != NULL);
  *region = input->region;
}
