// Anti-aliasing: a tent over the 3 x 3 samples of a pixel. Each takes its colour from the nearby pixel whose centre
// sees the same piece at the most similar angle; one that no neighbour's centre sees is left out.
uniform sampler2D colors;
layout(location = 0) out vec4 rgba;

vec3 encoded(vec3 x) {  // linear to sRGB
    return mix(12.92 * x, 1.055 * pow(max(x, 1e-5), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, x));
}

// The face's normal and the piece seen (-1: sky).
vec4 seen(int triangle) {
    return triangle < 0 ? vec4(0.0, 0.0, 0.0, -1.0) : entry(triangles, triangle, 1);
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy), last = textureSize(colors, 0) - 1;
    ivec2 center = 2 * pixel + 1;
    float own = texelFetch(samples, center, 0).r;
    bool even = true;
    for (int y = -1; y <= 1; y++)
        for (int x = -1; x <= 1; x++)
            even = even && texelFetch(samples, center + ivec2(x, y), 0).r == own;
    vec3 sum = 4.0 * texelFetch(colors, pixel, 0).rgb;
    float weights = 4.0;
    for (int once = 0; once < int(!even); once++) {
        vec4 near[9];
        for (int k = 0; k < 9; k++) {
            ivec2 there = clamp(pixel + ivec2(k % 3 - 1, k / 3 - 1), ivec2(0), last);
            near[k] = seen(int(texelFetch(samples, 2 * there + 1, 0).r));
        }
        for (int k = 0; k < 9; k++) {
            if (k == 4) continue;
            ivec2 side = ivec2(k % 3 - 1, k / 3 - 1);
            vec4 wanted = seen(int(texelFetch(samples, center + side, 0).r));
            ivec2 best = pixel;
            float score = -2.0;
            for (int n = 0; n < 9; n++) {
                ivec2 there = ivec2(n % 3 - 1, n / 3 - 1);
                ivec2 apart = abs(2 * there - side);
                float match = near[n].w == wanted.w ? dot(near[n].xyz, wanted.xyz) : -3.0;
                match -= n == 4 ? 0.0 : 0.03 + 0.02 * float(apart.x + apart.y);
                best = match > score ? pixel + there : best;
                score = max(match, score);
            }
            float weight = score > -2.0 ? (side.x == 0 || side.y == 0 ? 2.0 : 1.0) : 0.0;
            sum += weight * texelFetch(colors, clamp(best, ivec2(0), last), 0).rgb;
            weights += weight;
        }
    }
    rgba = vec4(encoded(sum / weights), 1.0);
}
