// A 4 x 4 mean over neighbours at about the same depth, but for the sun, whose shadows stay sharp.
uniform sampler2D occlusions;
layout(location = 0) out vec4 smoothed;

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy), last = textureSize(occlusions, 0) - 1;
    vec4 here = texelFetch(occlusions, at, 0);
    vec3 sum = vec3(0.0);
    for (int y = -2; y < 2; y++)
        for (int x = -2; x < 2; x++) {
            vec4 there = texelFetch(occlusions, clamp(at + ivec2(x, y), ivec2(0), last), 0);
            float weight = max(1.0 - abs(there.g - here.g) / (0.05 * here.g + 1e-6), 0.0) + 1e-4;
            sum += weight * vec3(there.rb, 1.0);
        }
    smoothed = vec4(sum.x / sum.z, here.g, sum.y / sum.z, here.a);
}
