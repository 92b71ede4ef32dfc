#include "worker/geometry/mass.h"

#include <math.h>
#include <string.h>

#include "worker/geometry/scene.h"

void qr_mass_place(const struct qr_kernel_body *body, const double to_model[12],
                   struct qr_mass *ret)
{
    double s = fabs(qr_scene_scale(to_model));
    double turned[9];

    memset(ret, 0, sizeof *ret);
    if (!(s > 0))
        return;
    ret->has_volume = body->has_volume;
    ret->volume = body->has_volume ? body->volume * s * s * s : 0;
    ret->area = body->area * s * s;
    qr_scene_place(to_model, body->centroid, ret->centroid);
    /* R I R^T with R = M / s; times s^5 */
    for (size_t row = 0; row < 3; row++)
        for (size_t k = 0; k < 3; k++) {
            turned[3 * row + k] = 0;
            for (size_t i = 0; i < 3; i++)
                turned[3 * row + k] += to_model[4 * row + i] / s * body->inertia[3 * i + k];
        }
    for (size_t row = 0; row < 3; row++)
        for (size_t column = 0; column < 3; column++)
            for (size_t i = 0; i < 3; i++)
                ret->inertia[3 * row + column] +=
                    turned[3 * row + i] * to_model[4 * column + i] / s * pow(s, 5);
}

/* What a mass at a distance adds to the inertia (parallel axes). */
static void shift(double inertia[9], double mass, const double by[3])
{
    double square = by[0] * by[0] + by[1] * by[1] + by[2] * by[2];

    for (size_t row = 0; row < 3; row++)
        for (size_t column = 0; column < 3; column++)
            inertia[3 * row + column] +=
                mass * ((row == column ? square : 0) - by[row] * by[column]);
}

static void add_volume(struct qr_mass *sum, const struct qr_mass *one)
{
    double whole = sum->volume + one->volume;
    double centre[3], from_sum[3], from_one[3];

    if (!sum->has_volume) {
        memcpy(sum->centroid, one->centroid, sizeof sum->centroid);
        memcpy(sum->inertia, one->inertia, sizeof sum->inertia);
        sum->volume = one->volume;
        sum->has_volume = true;
        return;
    }
    if (!(whole > 0))
        return;
    for (size_t i = 0; i < 3; i++) {
        centre[i] = (sum->centroid[i] * sum->volume + one->centroid[i] * one->volume) / whole;
        from_sum[i] = sum->centroid[i] - centre[i];
        from_one[i] = one->centroid[i] - centre[i];
    }
    shift(sum->inertia, sum->volume, from_sum);
    shift(sum->inertia, one->volume, from_one);
    for (size_t i = 0; i < 9; i++)
        sum->inertia[i] += one->inertia[i];
    memcpy(sum->centroid, centre, sizeof centre);
    sum->volume = whole;
}

void qr_mass_add(struct qr_mass *sum, const struct qr_mass *one)
{
    double area = sum->area + one->area;

    if (one->has_volume)
        add_volume(sum, one);
    else if (!sum->has_volume && area > 0)
        for (size_t i = 0; i < 3; i++)
            sum->centroid[i] = (sum->centroid[i] * sum->area + one->centroid[i] * one->area) / area;
    sum->area = area;
}

static void rotate(double a[3][3], size_t p, size_t q)
{
    if (fabs(a[p][q]) <= 0)
        return;
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1);
    double s = t * c;
    size_t r = 3 - p - q;
    double app = a[p][p], aqq = a[q][q], apq = a[p][q], arp = a[r][p], arq = a[r][q];

    a[p][p] = app - t * apq;
    a[q][q] = aqq + t * apq;
    a[p][q] = a[q][p] = 0;
    a[r][p] = a[p][r] = c * arp - s * arq;
    a[r][q] = a[q][r] = s * arp + c * arq;
}

void qr_mass_principal(const double inertia[9], double ret[3])
{
    double a[3][3];

    memcpy(a, inertia, sizeof a);
    for (int round = 0; round < 12; round++) {
        rotate(a, 0, 1);
        rotate(a, 0, 2);
        rotate(a, 1, 2);
    }
    for (size_t i = 0; i < 3; i++)
        ret[i] = a[i][i];
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2 - i; k++)
            if (ret[k] > ret[k + 1]) {
                double high = ret[k];
                ret[k] = ret[k + 1];
                ret[k + 1] = high;
            }
}
