// The light that each pixel's centre sends to the camera, tone mapped, linear; alpha is 1 on surfaces.
uniform sampler2D surfaces;
uniform sampler2D occlusions;
uniform sampler2D materials;      // 3 texels each: color, tile; tile_m, roughness, metallic, bump_m; emission
uniform sampler2DArray tiles;     // square roots of linear colours; alpha is relief
uniform sampler2D sky;

uniform int suns;                 // 0 or 1
uniform vec3 sun_light;           // irradiance / pi
uniform int lamps;
uniform vec3 lamp_place[4];
uniform vec3 lamp_light[4];       // intensity / pi
uniform vec3 ambient;
uniform vec3 irradiance[9];       // of the sky / pi, spherical harmonics
uniform float outdoors;           // 1 or 0
uniform vec3 haze;
uniform mat3 room_world;          // the world's axes to the room's
uniform vec3 room_center;
uniform vec3 room_half;
uniform float exposure;
layout(location = 0) out vec4 color;

vec3 filmic(vec3 x) {  // Narkowicz's fit of the ACES curve
    return clamp(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0);
}

vec3 sky_at(vec3 d, float lod) {
    vec2 uv = vec2(0.5 + atan(d.x, -d.z) / (2.0 * PI), acos(clamp(d.y, -1.0, 1.0)) / PI);
    return textureLod(sky, uv, lod).rgb;
}

vec3 from_sky(vec3 n) {
    vec3 sum = irradiance[0] + irradiance[1] * n.y + irradiance[2] * n.z + irradiance[3] * n.x
        + irradiance[4] * (n.x * n.y) + irradiance[5] * (n.y * n.z) + irradiance[6] * (3.0 * n.z * n.z - 1.0)
        + irradiance[7] * (n.x * n.z) + irradiance[8] * (n.x * n.x - n.y * n.y);
    return max(sum, 0.0);
}

// Diffuse and GGX reflection of a light of irradiance pi from direction l, times the cosine (Burley's and Karis's
// terms as in "Real Shading in Unreal Engine 4", 2013).
vec3 reflected(vec3 l, vec3 n, vec3 v, vec3 diffuse, vec3 specular, float alpha) {
    vec3 h = normalize(l + v);
    float nl = max(dot(n, l), 0.0), nv = max(dot(n, v), 0.02), nh = max(dot(n, h), 0.0), lh = max(dot(l, h), 0.0);
    float d = nh * nh * (alpha * alpha - 1.0) + 1.0, k = alpha / 2.0;
    float seen = 0.5 / (nl * mix(nv, 1.0, k) + nv * mix(nl, 1.0, k));
    float left = 1.0 - lh;
    vec3 fresnel = specular + (1.0 - specular) * (left * left) * (left * left) * left;
    return nl * (diffuse + fresnel * min(seen * alpha * alpha / (d * d), 20.0));
}

// How light the room is where a ray meets its walls, as a factor of what is all around: a room of even colour.
float walls_at(vec3 point, vec3 d) {
    vec3 from = room_world * (point - room_center), along = room_world * d;
    vec3 steps = (room_half - sign(along) * from) / max(abs(along), 1e-5);
    float t = min(steps.x, min(steps.y, steps.z));
    vec3 hit = (from + t * along) / room_half;
    vec3 gap = (1.0 - abs(hit)) * room_half;
    float corner = gap.x + gap.y + gap.z - max(gap.x, max(gap.y, gap.z));
    float level = steps.y == t ? (hit.y < 0.0 ? 0.5 : 1.15) : 0.95 + 0.2 * hit.y;
    return level * (0.72 + 0.28 * smoothstep(0.0, 0.6, corner));
}

// Occlusion and light from half the resolution, from neighbours at the same depth; x, y, z: ambient, lamp, sun; w: how
// much of the weight was found.
vec4 reaching(vec2 at, float depth) {
    vec2 low = at * 0.5 - 0.25;
    ivec2 base = ivec2(floor(low)), last = textureSize(occlusions, 0) - 1;
    vec2 part = low - vec2(base);
    vec4 sum = vec4(0.0);
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < 2; x++) {
            vec4 there = texelFetch(occlusions, clamp(base + ivec2(x, y), ivec2(0), last), 0);
            float weight = (x == 0 ? 1.0 - part.x : part.x) * (y == 0 ? 1.0 - part.y : part.y);
            weight *= max(1.0 - abs(there.g - depth) / (0.05 * depth), 0.0);
            sum += (weight + 1e-4) * vec4(there.rba, 1.0);
        }
    return vec4(sum.xyz / sum.w, sum.w);
}

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.xy);
    int triangle = int(texelFetch(samples, 2 * pixel + 1, 0).r);
    vec3 ray = world_camera * ray_camera(gl_FragCoord.xy);
    if (triangle < 0) {
        color = vec4(filmic(exposure * sky_at(normalize(ray), 0.0)), 0.0);
        return;
    }
    vec4 surface = texelFetch(surfaces, pixel, 0);
    vec3 face = world_camera * surface.xyz;
    vec3 point = eye + ray * surface.w;
    vec3 view = -normalize(ray);

    // Where on the triangle, and how normals and uv change there.
    ivec4 known = ivec4(entry(triangles, triangle, 0));
    vec4 p0 = entry(vertices, known.x, 0), p1 = entry(vertices, known.y, 0), p2 = entry(vertices, known.z, 0);
    vec4 n0 = entry(vertices, known.x, 1), n1 = entry(vertices, known.y, 1), n2 = entry(vertices, known.z, 1);
    vec3 e1 = p1.xyz - p0.xyz, e2 = p2.xyz - p0.xyz;
    vec3 area = cross(e1, e2);
    float scale = 1.0 / max(dot(area, area), 1e-20);
    vec3 grow1 = cross(e2, area) * scale, grow2 = cross(area, e1) * scale;
    vec3 within = point - p0.xyz;
    float b1 = clamp(dot(within, grow1), 0.0, 1.0), b2 = clamp(dot(within, grow2), 0.0, 1.0 - b1);
    vec3 normal = normalize(n0.xyz * (1.0 - b1 - b2) + n1.xyz * b1 + n2.xyz * b2);
    normal *= dot(entry(triangles, triangle, 1).xyz, face) < 0.0 ? -1.0 : 1.0;
    vec2 uv = vec2(p0.w, n0.w) * (1.0 - b1 - b2) + vec2(p1.w, n1.w) * b1 + vec2(p2.w, n2.w) * b2;
    vec3 grow_u = (p1.w - p0.w) * grow1 + (p2.w - p0.w) * grow2;
    vec3 grow_v = (n1.w - n0.w) * grow1 + (n2.w - n0.w) * grow2;

    vec4 tint = texelFetch(materials, ivec2(3 * known.w, 0), 0);
    vec4 traits = texelFetch(materials, ivec2(3 * known.w + 1, 0), 0);
    float emission = texelFetch(materials, ivec2(3 * known.w + 2, 0), 0).x;

    // Up to 4 samples of the tile along the longer axis of the pixel's footprint.
    float across = min(dot(face, ray), -0.02);
    vec3 dx = world_camera[0] / lens.z, dy = world_camera[1] / lens.z;
    dx = surface.w * (dx - ray * dot(face, dx) / across);
    dy = surface.w * (dy - ray * dot(face, dy) / across);
    float tile_m = traits.x;
    vec2 ux = vec2(dot(grow_u, dx), dot(grow_v, dx)) / tile_m, uy = vec2(dot(grow_u, dy), dot(grow_v, dy)) / tile_m;
    vec2 longer = dot(ux, ux) > dot(uy, uy) ? ux : uy, shorter = dot(ux, ux) > dot(uy, uy) ? uy : ux;
    float extent = length(longer), least = max(length(shorter), extent / 4.0);
    int taps = int(ceil(extent / max(least, 1e-9) - 0.01));
    float lod = log2(max(256.0 * extent / float(taps), 1e-6));
    vec3 layer = vec3(uv / tile_m, tint.w);
    vec3 albedo = vec3(0.0);
    for (int tap = 0; tap < taps; tap++) {
        vec2 shift = longer * ((float(tap) + 0.5) / float(taps) - 0.5);
        vec3 root = textureLod(tiles, layer + vec3(shift, 0.0), lod).rgb;
        albedo += root * root;
    }
    albedo *= tint.rgb / float(taps);
    vec2 spot = point.xz + 1.5 * sin(0.37 * point.zx);  // no lawn or road is alike all over
    albedo *= 1.0 + outdoors * 0.045 * (sin(0.61 * spot.x) * sin(0.53 * spot.y) + sin(0.17 * spot.x + 0.23 * spot.y));

    float texel = exp2(max(lod, 0.0)) / 256.0;
    vec3 n = normal;
    for (int once = 0; once < int(traits.w > 0.0 && texel < 0.03); once++) {
        float base = textureLod(tiles, layer, lod).a;
        float du = textureLod(tiles, layer + vec3(texel, 0.0, 0.0), lod).a - base;
        float dv = textureLod(tiles, layer + vec3(0.0, texel, 0.0), lod).a - base;
        vec3 bend = (du * grow_u + dv * grow_v) * traits.w / (texel * tile_m);
        n = normalize(normal - bend / max(1.0, length(bend)));
    }
    float facing = dot(n, view);
    n = normalize(n + view * max(0.02 - facing, 0.0));

    float metallic = traits.z, roughness = traits.y;
    vec3 diffuse = albedo * (1.0 - metallic);
    vec3 specular = mix(vec3(0.04), albedo, metallic);
    float alpha = max(roughness * roughness, 0.02);
    vec4 reach = reaching(gl_FragCoord.xy, surface.w);
    float open = reach.x;

    // What bounces around a room comes more from its ceiling than from its floor, and not alike from its sides.
    vec3 around = ambient * (1.0 + (1.0 - outdoors) * dot(n, vec3(0.07, 0.22, -0.04))) + outdoors * from_sky(n);
    vec3 light = emission * albedo + diffuse * around * open;

    // Reflection of what is all around (Karis, "Physically Based Shading on Mobile", 2014).
    vec3 mirror = reflect(-view, n);
    vec3 there = ambient * (outdoors + (1.0 - outdoors) * mix(walls_at(point, mirror), 1.0, roughness));
    for (int once = 0; once < int(outdoors); once++)
        there += sky_at(mirror, 1.0 + 6.0 * roughness) * mix(0.3, 1.0, smoothstep(-0.3, 0.2, mirror.y));
    vec4 r = roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a004 = min(r.x * r.x, exp2(-9.28 * max(dot(n, view), 0.0))) * r.x + r.y;
    light += there * (specular * (-1.04 * a004 + r.z) + (1.04 * a004 + r.w)) * open;

    // The sun, looked up again where its shadow has an edge; lamps, of which the first has a shadow.
    for (int once = 0; once < suns; once++) {
        float lit = reach.z;
        for (int again = 0; again < int(reach.w < 0.5 || (lit > 0.01 && lit < 0.99)); again++) lit = sunlit(point, face);
        light += lit * sun_light * reflected(sun_direction, n, view, diffuse, specular, alpha);
    }
    for (int lamp = 0; lamp < lamps; lamp++) {
        vec3 towards = lamp_place[lamp] - point;
        float far = dot(towards, towards);
        float lit = lamp == 0 ? reach.y : open;
        light += lit * lamp_light[lamp] / max(far, 0.04)
            * reflected(towards * inversesqrt(far), n, view, diffuse, specular, alpha);
    }
    // Haze: half of the light is lost in 1.25 km.
    light = mix(light, haze, outdoors * (1.0 - exp(-surface.w * length(ray) / 1800.0)));
    color = vec4(filmic(exposure * light), 1.0);
}
