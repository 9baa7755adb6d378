// What the passes over the picture share: the camera and the tables of vertices and triangles.
//
// Where work is needed only here and there, it stands in a loop of one turn or none: a driver without a GPU computes
// both ways of an "if" for every pixel, but leaves a loop that none of its eight pixels enters.
const float PI = 3.14159265;

uniform vec3 eye;             // world
uniform mat3 world_camera;    // OpenCV axes to the world's
uniform vec3 lens;            // principal point x, y and focal length, in pixels
uniform sampler2D samples;    // index of a triangle, -1 for the sky; (2 w + 1) x (2 h + 1), odd ones at pixel centres
uniform sampler2D vertices;   // two texels each: place, u; normal, v
uniform sampler2D triangles;  // two texels each: three vertices, material; face's normal, piece (object and material)

const int PAIRS = 1024;       // in a row of either table

vec4 entry(sampler2D table, int index, int at) {
    return texelFetch(table, ivec2(2 * (index % PAIRS) + at, index / PAIRS), 0);
}

vec3 ray_camera(vec2 pixel) {
    return vec3((pixel - lens.xy) / lens.z, 1.0);
}

float hash(vec2 pixel) {
    return fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
}
