// At half the resolution: ambient occlusion in screen space (McGuire et al., "The Alchemy Screen-Space Ambient
// Obscurance Algorithm", 2011), the depth that it was found at, and what the first lamp and the sun reach.
uniform sampler2D surfaces;
uniform float radius_m;
uniform int lamps;
uniform int suns;
layout(location = 0) out vec4 found;

const int TAPS = 12;

void main() {
    ivec2 size = textureSize(surfaces, 0);
    ivec2 at = min(2 * ivec2(gl_FragCoord.xy), size - 1);
    vec4 here = texelFetch(surfaces, at, 0);
    if (here.w == 0.0) {
        found = vec4(1.0, 0.0, 1.0, 1.0);
        return;
    }
    vec3 point = ray_camera(vec2(at) + 0.5) * here.w;
    float reach = clamp(radius_m * lens.z / here.w, 4.0, 0.25 * float(size.x));
    float radius = reach * here.w / lens.z;
    float turn = 2.0 * PI * hash(gl_FragCoord.xy);
    float sum = 0.0;
    for (int tap = 0; tap < TAPS; tap++) {
        float share = (float(tap) + 0.5) / float(TAPS);
        float angle = turn + share * 2.0 * PI * 7.0;
        ivec2 there = at + ivec2(round(reach * share * vec2(cos(angle), sin(angle))));
        there = clamp(there, ivec2(0), size - 1);
        float z = texelFetch(surfaces, there, 0).w;
        vec3 away = ray_camera(vec2(there) + 0.5) * z - point;
        float far = dot(away, away);
        float falloff = max(1.0 - far / (radius * radius), 0.0);
        float rise = dot(away, here.xyz) - 0.002 * here.w;
        sum += z == 0.0 ? 0.0 : falloff * max(rise, 0.0) * inversesqrt(far + 1e-6);
    }
    float open = clamp(1.0 - 2.3 * sum / float(TAPS), 0.0, 1.0);

    vec3 world_point = eye + world_camera * point, face = world_camera * here.xyz;
    float lamp = 1.0, sun = 1.0;
    for (int once = 0; once < min(lamps, 1); once++) lamp = lamplit(world_point, face);
    for (int once = 0; once < suns; once++) sun = sunlit(world_point, face);
    found = vec4(open, here.w, lamp, sun);
}
